//! A CloudTrail record, in any of its versions:
//! <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>.

use serde_json::Value;
use serde_json::value::RawValue;

use super::Text;
use super::lenient::{Member, object, part};

/// A CloudTrail record. A field that is absent, or of another type than it should be, is empty; of a key that comes twice the
/// last one counts. All texts may be an attacker's.
#[derive(Clone, Debug, Default)]
pub struct Record<'a> {
    /// Such as `1.11`: two numbers, no decimal fraction.
    pub event_version: Text<'a>,
    /// When, as CloudTrail writes it: RFC 3339.
    pub event_time: Text<'a>,
    /// The service, such as `ec2.amazonaws.com`.
    pub event_source: Text<'a>,
    /// What was called, such as `RunInstances`.
    pub event_name: Text<'a>,
    /// Where; `us-east-1` for IAM.
    pub aws_region: Text<'a>,
    /// Who called.
    pub user_identity: Identity<'a>,
    /// From where: an address, or the name of an AWS service.
    pub source_ip_address: Text<'a>,
    /// With what.
    pub user_agent: Text<'a>,
    /// Why the call failed; empty where it succeeded.
    pub error_code: Text<'a>,
    /// The same in words.
    pub error_message: Text<'a>,
    /// What was asked, as JSON: [`Record::request`] reads it.
    pub request_parameters: Option<&'a RawValue>,
    /// What was answered, as JSON: [`Record::response`] reads it.
    pub response_elements: Option<&'a RawValue>,
    /// The resources that were meant, as JSON: a list of objects with `ARN`.
    pub resources: Option<&'a RawValue>,
    /// What else is known of the call, as JSON.
    pub additional_event_data: Option<&'a RawValue>,
    /// Which event it is: what deduplicates it.
    pub event_id: Text<'a>,
    /// `AwsApiCall`, `AwsConsoleSignIn`, `AwsServiceEvent`, ...
    pub event_type: Text<'a>,
    /// `Management`, `Data`, `Insight`, `NetworkActivity`.
    pub event_category: Text<'a>,
    /// Whose resources were meant. Not always the caller's account.
    pub recipient_account_id: Text<'a>,
    /// The VPC endpoint through which the call came: its address says little.
    pub vpc_endpoint_id: Text<'a>,
}

/// Who called.
#[derive(Clone, Debug, Default)]
pub struct Identity<'a> {
    /// `IAMUser`, `AssumedRole`, `Root`, `AWSService`, ...
    pub kind: Text<'a>,
    /// The unique id, such as `AIDA...`, or `AROA...:session`.
    pub principal_id: Text<'a>,
    /// The ARN.
    pub arn: Text<'a>,
    /// The caller's account.
    pub account_id: Text<'a>,
    /// The access key's id; empty for the console.
    pub access_key_id: Text<'a>,
    /// The user's name.
    pub user_name: Text<'a>,
    /// The service that called on somebody's behalf.
    pub invoked_by: Text<'a>,
    /// The session's context.
    pub session_context: SessionContext<'a>,
}

/// A session's context.
#[derive(Clone, Debug, Default)]
pub struct SessionContext<'a> {
    /// Who got the session's credentials.
    pub session_issuer: Issuer<'a>,
}

/// Who got a session's credentials.
#[derive(Clone, Debug, Default)]
pub struct Issuer<'a> {
    /// `IAMUser`, `Role`, `Root`.
    pub kind: Text<'a>,
    /// The unique id.
    pub principal_id: Text<'a>,
    /// The ARN.
    pub arn: Text<'a>,
    /// The account.
    pub account_id: Text<'a>,
    /// The user's or role's name.
    pub user_name: Text<'a>,
}

object!(Record {
    b"eventVersion" => event_version,
    b"eventTime" => event_time,
    b"eventSource" => event_source,
    b"eventName" => event_name,
    b"awsRegion" => aws_region,
    b"userIdentity" => user_identity,
    b"sourceIPAddress" => source_ip_address,
    b"userAgent" => user_agent,
    b"errorCode" => error_code,
    b"errorMessage" => error_message,
    b"requestParameters" => request_parameters,
    b"responseElements" => response_elements,
    b"resources" => resources,
    b"additionalEventData" => additional_event_data,
    b"eventID" => event_id,
    b"eventType" => event_type,
    b"eventCategory" => event_category,
    b"recipientAccountId" => recipient_account_id,
    b"vpcEndpointId" => vpc_endpoint_id,
});

object!(Identity {
    b"type" => kind,
    b"principalId" => principal_id,
    b"arn" => arn,
    b"accountId" => account_id,
    b"accessKeyId" => access_key_id,
    b"userName" => user_name,
    b"invokedBy" => invoked_by,
    b"sessionContext" => session_context,
});

object!(SessionContext {
    b"sessionIssuer" => session_issuer,
});

object!(Issuer {
    b"type" => kind,
    b"principalId" => principal_id,
    b"arn" => arn,
    b"accountId" => account_id,
    b"userName" => user_name,
});

impl<'a> Member<'a> for Identity<'a> {
    fn of(value: &'a RawValue) -> Self {
        part(value)
    }
}

impl<'a> Member<'a> for SessionContext<'a> {
    fn of(value: &'a RawValue) -> Self {
        part(value)
    }
}

impl<'a> Member<'a> for Issuer<'a> {
    fn of(value: &'a RawValue) -> Self {
        part(value)
    }
}

impl<'a> Record<'a> {
    /// Reads a record. Only what is no JSON object is an error.
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
