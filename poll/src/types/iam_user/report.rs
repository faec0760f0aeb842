//! The credential report: one table with the passwords, MFA devices and access keys of all users of an account.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html>. Columns are found by their
//! names, since AWS adds some now and then. A row that is not understood is as good as none: whoever misses a user here
//! asks IAM for it directly.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The report of an account.
#[derive(Debug)]
pub(super) struct Report {
    /// When AWS made it.
    pub(super) generated: Timestamp,
    rows: HashMap<String, Row>,
}

/// What the report says of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// When the user was made. A user of the same name who was made at another time is another user.
    pub(super) created: Timestamp,
    pub(super) password_enabled: bool,
    pub(super) password_last_used: Option<Timestamp>,
    pub(super) password_last_changed: Option<Timestamp>,
    pub(super) mfa_active: bool,
    /// Those of the two keys that there are. The report does not tell their ids.
    pub(super) keys: Vec<Key>,
}

/// What the report says of an access key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// When it was made, or last changed.
    pub(super) last_rotated: Option<Timestamp>,
    pub(super) last_used_date: Option<Timestamp>,
    pub(super) last_used_service: Option<String>,
    pub(super) last_used_region: Option<String>,
}

impl Report {
    pub(super) fn parse(content: &[u8], generated: Timestamp) -> Self {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(content);
        let columns: HashMap<String, usize> = match reader.headers() {
            Ok(headers) => headers.iter().enumerate().map(|(at, name)| (name.trim().to_owned(), at)).collect(),
            Err(_) => HashMap::new(),
        };
        let rows = reader.records().filter_map(|record| {
            let fields = realigned(&record.ok()?.iter().collect::<Vec<_>>(), columns.len())?;
            let get = |column: &str| columns.get(column).and_then(|&at| fields.get(at)).map(String::as_str);
            Some((get("user")?.to_owned(), Row::parse(|column| get(column).ok_or(Malformed)).ok()?))
        });
        Self { generated, rows: rows.collect() }
    }

    /// The row of a user, if it is this one's and not that of an earlier user of the same name.
    pub(super) fn row(&self, name: &str, created: Option<Timestamp>) -> Option<&Row> {
        self.rows.get(name).filter(|row| created.is_some_and(|created| created.as_second() == row.created.as_second()))
    }
}

/// A column that is missing or holds what it should not.
#[derive(Debug)]
struct Malformed;

/// The fields of a line, one for each column.
///
/// IAM allows commas in user names, and the name stands in the first two columns, as itself and at the end of the ARN.
/// Where neither is quoted, each comma makes two fields too many, and there is one way only to join them again.
fn realigned(fields: &[&str], columns: usize) -> Option<Vec<String>> {
    let surplus = fields.len().checked_sub(columns)?;
    if surplus % 2 == 1 {
        return None;
    }
    let width = surplus / 2 + 1;
    let (name, arn) = (fields.get(..width)?.join(","), fields.get(width..2 * width)?.join(","));
    let of_name = surplus == 0 || arn.ends_with(&name) && arn.starts_with("arn:");
    of_name.then(|| {
        let rest = fields.iter().skip(2 * width).map(|&field| field.to_owned());
        [name, arn].into_iter().chain(rest).collect()
    })
}

impl Row {
    fn parse<'a>(get: impl Fn(&str) -> Result<&'a str, Malformed>) -> Result<Self, Malformed> {
        let mut keys = Vec::new();
        for number in 1..=2 {
            let column = |name: &str| get(&format!("access_key_{number}_{name}"));
            let active = switch(column("active")?)?;
            let last_rotated = time(column("last_rotated")?)?;
            if active || last_rotated.is_some() {
                keys.push(Key {
                    last_rotated,
                    last_used_date: time(column("last_used_date")?)?,
                    last_used_service: word(column("last_used_service")?),
                    last_used_region: word(column("last_used_region")?),
                });
            }
        }
        Ok(Self {
            created: time(get("user_creation_time")?)?.ok_or(Malformed)?,
            password_enabled: switch(get("password_enabled")?)?,
            password_last_used: time(get("password_last_used")?)?,
            password_last_changed: time(get("password_last_changed")?)?,
            mfa_active: switch(get("mfa_active")?)?,
            keys,
        })
    }
}

/// The words that stand where there is nothing to tell.
fn is_nothing(field: &str) -> bool {
    ["", "n/a", "no_information", "not_supported"].iter().any(|nothing| field.eq_ignore_ascii_case(nothing))
}

fn word(field: &str) -> Option<String> {
    (!is_nothing(field)).then(|| field.to_owned())
}

/// `true` or `false` in any case. The root user's `not_supported` is neither, and the root user is none of ours.
fn switch(field: &str) -> Result<bool, Malformed> {
    field.to_ascii_lowercase().parse().map_err(|_| Malformed)
}

/// A time or the absence of one, in whole seconds. Emulators leave the zone out, which is UTC.
fn time(field: &str) -> Result<Option<Timestamp>, Malformed> {
    if is_nothing(field) {
        return Ok(None);
    }
    let zoneless = || field.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    let exact = field.parse::<Timestamp>().ok().or_else(zoneless).ok_or(Malformed)?;
    Timestamp::from_second(exact.as_second()).map(Some).map_err(|_| Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,\
        password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,\
        access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,\
        access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,\
        cert_1_last_rotated,cert_2_active,cert_2_last_rotated";
    const NO_KEY: &str = "false,N/A,N/A,N/A,N/A";
    const NO_CERT: &str = "false,N/A,false,N/A";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn report(lines: &[String]) -> Report {
        let text = format!("{HEADER}\n{}", lines.join("\n"));
        Report::parse(text.as_bytes(), at("2026-11-20T10:00:00Z"))
    }

    fn line(user: &str, arn: &str, rest: &str) -> String {
        format!("{user},{arn},2024-01-02T03:04:05+00:00,{rest}")
    }

    #[test]
    fn a_user_with_everything_is_read() {
        let rest = format!(
            "true,2026-11-01T00:00:00+00:00,2025-05-05T05:05:05+00:00,N/A,TRUE,\
             true,2025-01-01T00:00:00+00:00,2026-10-10T10:10:00Z,eu-west-1,s3,{NO_KEY},{NO_CERT}"
        );
        let report = report(&[line("jane", "arn:aws:iam::111122223333:user/jane", &rest)]);
        let row = report.row("jane", Some(at("2024-01-02T03:04:05.5Z"))).unwrap();
        let key = Key {
            last_rotated: Some(at("2025-01-01T00:00:00Z")),
            last_used_date: Some(at("2026-10-10T10:10:00Z")),
            last_used_service: Some("s3".to_owned()),
            last_used_region: Some("eu-west-1".to_owned()),
        };
        let expected = Row {
            created: at("2024-01-02T03:04:05Z"),
            password_enabled: true,
            password_last_used: Some(at("2026-11-01T00:00:00Z")),
            password_last_changed: Some(at("2025-05-05T05:05:05Z")),
            mfa_active: true,
            keys: vec![key],
        };
        assert_eq!(row, &expected);
    }

    #[test]
    fn words_for_nothing_are_nothing() {
        let rest = format!("true,no_information,not_supported,N/A,false,{NO_KEY},{NO_KEY},{NO_CERT}");
        let report = report(&[line("jane", "arn:aws:iam::111122223333:user/jane", &rest)]);
        let row = report.row("jane", Some(at("2024-01-02T03:04:05Z"))).unwrap();
        assert_eq!((row.password_last_used, row.password_last_changed), (None, None));
        assert!(row.keys.is_empty());
    }

    #[test]
    fn a_key_that_is_inactive_is_a_key() {
        let rest = format!("false,N/A,N/A,N/A,false,{NO_KEY},false,2025-01-01T00:00:00+00:00,N/A,N/A,N/A,{NO_CERT}");
        let report = report(&[line("jane", "arn:aws:iam::111122223333:user/jane", &rest)]);
        let row = report.row("jane", Some(at("2024-01-02T03:04:05Z"))).unwrap();
        assert_eq!(row.keys.len(), 1);
        assert_eq!(row.keys[0].last_used_date, None);
    }

    /// IAM allows commas, quotes it does not; both ways of writing a comma are read.
    #[test]
    fn commas_in_names_do_not_shift_the_columns() {
        let rest = format!("true,N/A,N/A,N/A,true,{NO_KEY},{NO_KEY},{NO_CERT}");
        let report = report(&[
            line("a,b", "arn:aws:iam::111122223333:user/a,b", &rest),
            line("c,,d", "arn:aws:iam::111122223333:user/team/c,,d", &rest),
            line("\"e,f\"", "\"arn:aws:iam::111122223333:user/e,f\"", &rest),
            line("plain", "arn:aws:iam::111122223333:user/plain", &rest),
        ]);
        for name in ["a,b", "c,,d", "e,f", "plain"] {
            let row = report.row(name, Some(at("2024-01-02T03:04:05Z")));
            assert!(row.is_some_and(|row| row.mfa_active && row.password_enabled), "{name}");
        }
    }

    #[test]
    fn what_is_not_understood_is_no_row_and_hides_no_other() {
        let good = format!("false,N/A,N/A,N/A,false,{NO_KEY},{NO_KEY},{NO_CERT}");
        let report = report(&[
            // The root user has no password switch.
            line("<root_account>", "arn:aws:iam::111122223333:root", &good.replacen("false", "not_supported", 1)),
            line("short", "arn:aws:iam::111122223333:user/short", "true"),
            line("odd,one", "arn:aws:iam::111122223333:user/other", &good),
            line("shifted", "arn:aws:iam::111122223333:user/shifted", &format!("{good},x,y")),
            line("maybe", "arn:aws:iam::111122223333:user/maybe", &good.replacen("false", "maybe", 1)),
            line("late", "arn:aws:iam::111122223333:user/late", &good.replacen("N/A", "yesterday", 1)),
            line("jane", "arn:aws:iam::111122223333:user/jane", &good),
        ]);
        let names: Vec<_> = report.rows.keys().collect();
        assert_eq!(names, ["jane"]);
    }

    #[test]
    fn columns_go_by_their_names_and_a_report_of_other_columns_has_no_rows() {
        let reordered = "mfa_active,extra,user,arn";
        assert!(Report::parse(reordered.as_bytes(), at("2026-11-20T10:00:00Z")).rows.is_empty());
        assert!(Report::parse(b"", at("2026-11-20T10:00:00Z")).rows.is_empty());
        assert!(Report::parse(&[0xff, 0xfe, b'\n', 0x00], at("2026-11-20T10:00:00Z")).rows.is_empty());
        // A column that AWS adds somewhere in the middle moves the others.
        let header = HEADER.replace("mfa_active", "passkeys,mfa_active");
        let rest = format!("true,N/A,N/A,N/A,7,true,{NO_KEY},{NO_KEY},{NO_CERT}");
        let text = format!("{header}\r\n{}\r\n", line("jane", "arn:aws:iam::111122223333:user/jane", &rest));
        let report = Report::parse(text.as_bytes(), at("2026-11-20T10:00:00Z"));
        assert!(report.row("jane", Some(at("2024-01-02T03:04:05Z"))).is_some_and(|row| row.mfa_active));
    }

    #[test]
    fn a_user_who_was_made_anew_is_not_the_one_in_the_report() {
        let rest = format!("true,N/A,N/A,N/A,true,{NO_KEY},{NO_KEY},{NO_CERT}");
        let report = report(&[line("jane", "arn:aws:iam::111122223333:user/jane", &rest)]);
        assert!(report.row("jane", Some(at("2026-11-20T11:00:00Z"))).is_none());
        assert!(report.row("jane", None).is_none());
    }
}
