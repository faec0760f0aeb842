//! A CloudTrail record, in any of its versions:
//! <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::Text;

/// A CloudTrail record. A field that is absent is empty. All texts may be an attacker's.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Record<'a> {
    /// Such as `1.11`: two numbers, no decimal fraction.
    #[serde(borrow)]
    pub event_version: Text<'a>,
    /// When, as CloudTrail writes it: RFC 3339.
    #[serde(borrow)]
    pub event_time: Text<'a>,
    /// The service, such as `ec2.amazonaws.com`.
    #[serde(borrow)]
    pub event_source: Text<'a>,
    /// What was called, such as `RunInstances`.
    #[serde(borrow)]
    pub event_name: Text<'a>,
    /// Where; `us-east-1` for IAM.
    #[serde(borrow)]
    pub aws_region: Text<'a>,
    /// Who called.
    #[serde(borrow)]
    pub user_identity: Identity<'a>,
    /// From where: an address, or the name of an AWS service.
    #[serde(borrow, rename = "sourceIPAddress")]
    pub source_ip_address: Text<'a>,
    /// With what.
    #[serde(borrow)]
    pub user_agent: Text<'a>,
    /// Why the call failed; empty where it succeeded.
    #[serde(borrow)]
    pub error_code: Text<'a>,
    /// The same in words.
    #[serde(borrow)]
    pub error_message: Text<'a>,
    /// What was asked, as JSON: [`Record::request`] reads it.
    #[serde(borrow)]
    pub request_parameters: Option<&'a RawValue>,
    /// What was answered, as JSON: [`Record::response`] reads it.
    #[serde(borrow)]
    pub response_elements: Option<&'a RawValue>,
    /// What else is known of the call, as JSON.
    #[serde(borrow)]
    pub additional_event_data: Option<&'a RawValue>,
    /// Which event it is: what deduplicates it.
    #[serde(borrow, rename = "eventID")]
    pub event_id: Text<'a>,
    /// `AwsApiCall`, `AwsConsoleSignIn`, `AwsServiceEvent`, ...
    #[serde(borrow)]
    pub event_type: Text<'a>,
    /// `Management`, `Data`, `Insight`, `NetworkActivity`.
    #[serde(borrow)]
    pub event_category: Text<'a>,
    /// Whose resources were meant. Not always the caller's account.
    #[serde(borrow)]
    pub recipient_account_id: Text<'a>,
    /// The VPC endpoint through which the call came: its address says little.
    #[serde(borrow)]
    pub vpc_endpoint_id: Text<'a>,
}

/// Who called.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Identity<'a> {
    /// `IAMUser`, `AssumedRole`, `Root`, `AWSService`, ...
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
    /// The unique id, such as `AIDA...`, or `AROA...:session`.
    #[serde(borrow)]
    pub principal_id: Text<'a>,
    /// The ARN.
    #[serde(borrow)]
    pub arn: Text<'a>,
    /// The caller's account.
    #[serde(borrow)]
    pub account_id: Text<'a>,
    /// The access key's id; empty for the console.
    #[serde(borrow)]
    pub access_key_id: Text<'a>,
    /// The user's name.
    #[serde(borrow)]
    pub user_name: Text<'a>,
    /// The service that called on somebody's behalf.
    #[serde(borrow)]
    pub invoked_by: Text<'a>,
    /// The session's context.
    #[serde(borrow)]
    pub session_context: SessionContext<'a>,
}

/// A session's context.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SessionContext<'a> {
    /// Who got the session's credentials.
    #[serde(borrow)]
    pub session_issuer: Issuer<'a>,
}

/// Who got a session's credentials.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Issuer<'a> {
    /// `IAMUser`, `Role`, `Root`.
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
    /// The unique id.
    #[serde(borrow)]
    pub principal_id: Text<'a>,
    /// The ARN.
    #[serde(borrow)]
    pub arn: Text<'a>,
    /// The account.
    #[serde(borrow)]
    pub account_id: Text<'a>,
    /// The user's or role's name.
    #[serde(borrow)]
    pub user_name: Text<'a>,
}

impl<'a> Record<'a> {
    /// Reads a record.
    pub fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Whether the call failed, so that nothing has changed.
    pub fn failed(&self) -> bool {
        !self.error_code.is_empty()
    }

    /// The account whose resources were meant: the recipient's, and the caller's in records of a version (before 1.02)
    /// that does not name the recipient.
    pub fn account(&self) -> &str {
        let Self { recipient_account_id, user_identity, .. } = self;
        if recipient_account_id.is_empty() { &user_identity.account_id } else { recipient_account_id }
    }

    /// What was asked; `Value::Null` where nothing was recorded.
    pub fn request(&self) -> Value {
        value(self.request_parameters)
    }

    /// What was answered; `Value::Null` where nothing was recorded.
    pub fn response(&self) -> Value {
        value(self.response_elements)
    }
}

/// A part of a record. That it is JSON was seen when the record was read; a number beyond all bounds is not worth it.
fn value(raw: Option<&RawValue>) -> Value {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
}
