//! Rows and columns, for people and for spreadsheets. Texts in them come from strangers.

use std::io;

use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};
use common::cli::printable;
use csv::{QuoteStyle, WriterBuilder};

/// Rows under a header.
#[derive(Debug)]
pub(crate) struct Sheet<const N: usize> {
    header: [&'static str; N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Sheet<N> {
    /// Without rows.
    pub(crate) fn new(header: [&'static str; N]) -> Self {
        Self { header, rows: Vec::new() }
    }

    /// Another row.
    pub(crate) fn add(&mut self, row: [String; N]) {
        self.rows.push(row);
    }

    /// As wide as the terminal, without lines; the columns named in `widest` wrap at their width. No control character gets
    /// through. Nothing where there are no rows.
    pub(crate) fn table(&self, widest: &[(usize, u16)]) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_header(self.header);
        for (index, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, 2));
            if let Some((_, width)) = widest.iter().find(|(wide, _)| *wide == index) {
                column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(*width)));
            }
        }
        for row in &self.rows {
            table.add_row(row.iter().map(|cell| if cell.is_empty() { "-".to_owned() } else { printable(cell) }));
        }
        table.trim_fmt() + "\n"
    }

    /// One line for each row, and all cells quoted: some spreadsheets take `;` for a separator as well.
    pub(crate) fn csv(&self) -> io::Result<Vec<u8>> {
        let mut writer = WriterBuilder::new().quote_style(QuoteStyle::Always).from_writer(Vec::new());
        writer.write_record(self.header)?;
        for row in &self.rows {
            writer.write_record(row.iter().map(|cell| defused(cell)))?;
        }
        writer.into_inner().map_err(|error| io::Error::other(error.error().to_string()))
    }
}

/// A cell that no spreadsheet takes for a formula, on one line: see
/// <https://owasp.org/www-community/attacks/CSV_Injection>. The full-width signs count for formulas in Japanese settings.
fn defused(cell: &str) -> String {
    const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
    let text = printable(cell);
    let is_formula = text.trim_start().starts_with(FORMULA) || cell.starts_with(['\t', '\r', '\n']);
    if is_formula { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cell_is_no_formula() {
        for (cell, expected) in [
            ("", ""),
            ("web", "web"),
            ("a=b", "a=b"),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("  =1", "'  =1"),
            ("\t=1", "' =1"),
            ("\rx", "' x"),
            ("＝1", "'＝1"),
            ("a\nb", "a b"),
            ("\u{1b}[2J", "?[2J"),
        ] {
            assert_eq!(defused(cell), expected, "{cell:?}");
        }
    }

    #[test]
    fn a_sheet_without_rows_is_a_header_and_an_empty_table() {
        let sheet = Sheet::new(["a", "b"]);
        assert_eq!(sheet.table(&[]), "");
        assert_eq!(sheet.csv().unwrap(), b"\"a\",\"b\"\n");
    }

    proptest! {
        #[test]
        fn rows_come_back_whatever_is_in_them(rows in proptest::collection::vec(any::<[String; 3]>(), 0..8)) {
            let mut sheet = Sheet::new(["a", "b", "c"]);
            for row in &rows {
                sheet.add(row.clone());
            }
            let text = String::from_utf8(sheet.csv().unwrap()).unwrap();
            prop_assert_eq!(text.lines().count(), rows.len() + 1);
            prop_assert!(!text.chars().any(|character| character.is_control() && character != '\n'));
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let read: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
            for (read, row) in read.iter().zip(&rows) {
                for (read, cell) in read.iter().zip(row) {
                    let shown = printable(cell);
                    let unquoted = |text: &str| text.strip_prefix('\'').unwrap_or(text).to_owned();
                    prop_assert_eq!(unquoted(read), unquoted(&shown));
                    prop_assert!(!read.trim_start().starts_with(['=', '+', '-', '@']), "{}", read);
                }
            }
        }
    }
}
