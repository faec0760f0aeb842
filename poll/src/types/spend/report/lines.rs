//! The lines of a report's file: <https://docs.aws.amazon.com/cur/latest/userguide/data-dictionary.html>.

use std::io::Read;

use common::decimal::Decimal;
use csv::ByteRecord;
use flate2::read::MultiGzDecoder;
use jiff::Timestamp;

use super::Span;
use super::sums::Sums;

/// The column that is added up by default: what each line cost in its own hour.
pub(in crate::types::spend) const UNBLENDED: &str = "lineItem/UnblendedCost";

/// What is left out: what is paid for by a credit is being spent all the same, and what AWS gives back for last month is
/// not saved today.
const GIVEN_BACK: [&[u8]; 2] = [b"Credit", b"Refund"];
/// How much is unpacked at a time.
const BUFFER: usize = 1 << 16;

/// Where the columns are.
struct Columns {
    account: usize,
    start: usize,
    end: usize,
    kind: usize,
    currency: usize,
    cost: usize,
}

impl Columns {
    fn find(header: &ByteRecord, cost: &str) -> Result<Self, String> {
        let names: Vec<String> = header.iter().map(|name| plain(&String::from_utf8_lossy(name))).collect();
        let column = |name: &str| {
            let at = names.iter().position(|known| *known == plain(name));
            at.ok_or_else(|| format!("there is no column {name}: include it in the report"))
        };
        Ok(Self {
            account: column("lineItem/UsageAccountId")?,
            start: column("lineItem/UsageStartDate")?,
            end: column("lineItem/UsageEndDate")?,
            kind: column("lineItem/LineItemType")?,
            currency: column("lineItem/CurrencyCode")?,
            cost: column(cost)?,
        })
    }
}

/// A column's name as Data Exports have it: `lineItem/UsageStartDate` is their `line_item_usage_start_date`.
fn plain(name: &str) -> String {
    let mut plain = String::with_capacity(name.len() + 8);
    let mut lower = false;
    for letter in name.trim_start_matches('\u{feff}').chars() {
        if letter.is_ascii_uppercase() && lower {
            plain.push('_');
        }
        lower = letter.is_ascii_lowercase() || letter.is_ascii_digit();
        plain.push(if letter == '/' { '_' } else { letter.to_ascii_lowercase() });
    }
    plain
}

/// Adds up the lines of a gzipped file.
///
/// # Errors
///
/// What is wrong with it, and in which line. A line that is passed over would be money that is not counted.
pub(super) fn add_up(file: impl Read, cost: &str, span: Span) -> Result<Sums, String> {
    let mut reader = csv::ReaderBuilder::new().buffer_capacity(BUFFER).from_reader(MultiGzDecoder::new(file));
    let columns = Columns::find(reader.byte_headers().map_err(|error| error.to_string())?, cost)?;
    let mut sums = Sums::new(span);
    let mut line = ByteRecord::new();
    while reader.read_byte_record(&mut line).map_err(|error| error.to_string())? {
        add(&mut sums, &columns, &line).map_err(|why| {
            let number = line.position().map_or(0, csv::Position::line);
            format!("line {number}: {why}")
        })?;
    }
    Ok(sums)
}

fn add(sums: &mut Sums, columns: &Columns, line: &ByteRecord) -> Result<(), String> {
    let field = |at: usize| std::str::from_utf8(line.get(at).unwrap_or_default()).map_err(|error| error.to_string());
    if GIVEN_BACK.contains(&line.get(columns.kind).unwrap_or_default()) {
        return Ok(());
    }
    let time = |at: usize| {
        let text = field(at)?;
        text.parse::<Timestamp>().map_err(|_| format!("`{}` is no time", shown(text)))
    };
    let amount = match field(columns.cost)? {
        // What an hour of something prepaid costs stands in other columns.
        "" => Decimal::ZERO,
        text => text.parse().map_err(|error: common::decimal::DecimalError| error.to_string())?,
    };
    let (start, end) = (time(columns.start)?, time(columns.end)?);
    sums.add(field(columns.account)?, field(columns.currency)?, start.as_second(), end.as_second(), amount);
    Ok(())
}

/// As much of a text as a message takes.
fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}
