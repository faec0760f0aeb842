//! The credential report: when the keys of all users of an account were last used, in one call.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html>
//!
//! IAM makes one each four hours at most, and it tells no key ids: it says whom it is worth while to ask about.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_iam::Client;
use aws_sdk_iam::types::ReportStateType;
use common::aws::AwsError;
use common::operation::{IAM_GENERATE_CREDENTIAL_REPORT, IAM_GET_CREDENTIAL_REPORT};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use tokio::time::sleep;

/// How often it is asked whether the report is made, and how long to wait between.
const ASKS: u32 = 60;
const BETWEEN: Duration = Duration::from_secs(2);

/// The columns with the keys' last uses.
const LAST_USED: [&str; 2] = ["access_key_1_last_used_date", "access_key_2_last_used_date"];

/// When each user's keys were last used, by the user's ARN; `None`: never. A user whose line is not understood is not there.
pub(super) type LastUses = HashMap<String, Option<Timestamp>>;

/// Has the report made, and reads it.
pub(super) async fn report(client: &Client) -> Result<LastUses, AwsError> {
    for _ in 0..ASKS {
        let call = client.generate_credential_report().send().await;
        let made = call.map_err(|error| AwsError::new(IAM_GENERATE_CREDENTIAL_REPORT, error))?;
        if made.state == Some(ReportStateType::Complete) {
            let call = client.get_credential_report().send().await;
            let report = call.map_err(|error| AwsError::new(IAM_GET_CREDENTIAL_REPORT, error))?;
            return Ok(parse(report.content.unwrap_or_default().as_ref()));
        }
        sleep(BETWEEN).await;
    }
    Err(AwsError::of(IAM_GENERATE_CREDENTIAL_REPORT, "NotInTime", "the credential report was not made in time"))
}

/// A line that has more or less fields than there are columns (user names may have commas, which IAM does not quote) is none:
/// IAM is asked about that user directly.
fn parse(content: &[u8]) -> LastUses {
    let mut reader = csv::Reader::from_reader(content);
    let columns = reader.headers().cloned().unwrap_or_default();
    let at = |name: &str| columns.iter().position(|column| column.trim() == name);
    let (Some(arn), [Some(first), Some(second)]) = (at("arn"), LAST_USED.map(at)) else { return LastUses::new() };
    let user = |record: &csv::StringRecord| {
        let (first, second) = (time(record.get(first)?).ok()?, time(record.get(second)?).ok()?);
        Some((record.get(arn)?.to_owned(), first.max(second)))
    };
    reader.records().filter_map(|record| user(&record.ok()?)).collect()
}

/// A time, or none where there is none; an error for what is neither. Emulators leave the zone out, which is UTC.
fn time(field: &str) -> Result<Option<Timestamp>, jiff::Error> {
    if ["", "n/a", "no_information", "not_supported"].iter().any(|nothing| field.eq_ignore_ascii_case(nothing)) {
        return Ok(None);
    }
    let zoneless = |_| Ok(field.parse::<DateTime>()?.to_zoned(TimeZone::UTC)?.timestamp());
    field.parse::<Timestamp>().or_else(zoneless).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_use_of_both_keys_counts_and_what_is_not_understood_is_not_there() {
        let text = "user,arn,access_key_1_last_used_date,access_key_1_last_used_region,access_key_2_last_used_date\n\
            a,arn:a,2026-11-20T10:00:00+00:00,eu-west-1,2026-11-20T11:00:00Z\n\
            b,arn:b,N/A,N/A,no_information\n\
            c,arn:c,2026-11-20T10:00:00,N/A,N/A\n\
            d,e,arn:d,e,N/A,N/A,N/A\n\
            f,arn:f,yesterday,N/A,N/A\n";
        let found = parse(text.as_bytes());
        let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(found["arn:a"], at("2026-11-20T11:00:00Z"));
        assert_eq!(found["arn:b"], None);
        assert_eq!(found["arn:c"], at("2026-11-20T10:00:00Z"));
        for other in ["", "user,arn\na,arn:a\n", "\u{fffd}"] {
            assert!(parse(other.as_bytes()).is_empty(), "{other}");
        }
    }
}
