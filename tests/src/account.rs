//! An AWS account of a test's own.

use std::io;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use tempfile::TempDir;

use crate::emulator::Emulator;
use crate::http::{Request, Response, connect};
use crate::pipeline::Tool;
use crate::proxy::Proxy;

/// The region of an account's tools, unless they are told of another.
const HOME: &str = "us-east-1";

/// Temporary credentials.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: String,
}

/// An empty account in the emulator, and a home directory for the tools that work in it.
///
/// Two things are not the account's own: the names of buckets, as at AWS (build them from [`Account::id`]), and
/// what a request for a bucket by its name shows, which the emulator gives to any account.
#[derive(Debug, Clone)]
pub struct Account {
    id: String,
    credentials: Credentials,
    endpoint: String,
    home: Arc<TempDir>,
}

impl Account {
    /// An account that nobody used before.
    #[expect(clippy::new_without_default, reason = "it calls the emulator: not what anyone expects of a default")]
    pub fn new() -> Self {
        Self::new_in(Emulator::shared())
    }

    /// The same in an emulator of one's own.
    pub fn new_in(emulator: &Emulator) -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(1);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        assert!(number < 100_000, "account numbers of this process are used up");
        // Most ids begin with zeros, and all that takes them for numbers is found out.
        Self::of(emulator, &format!("{:07}{number:05}", process::id() % 10_000_000))
    }

    /// The account of that number, with whatever other tests of this process made in it.
    pub fn with_id(id: &str) -> Self {
        Self::of(Emulator::shared(), id)
    }

    /// The account of that number in an emulator of one's own.
    pub fn of(emulator: &Emulator, id: &str) -> Self {
        let credentials = assume_role(emulator, id);
        let home = Arc::new(tempfile::tempdir().expect("a temporary home directory"));
        Self { id: id.to_owned(), credentials, endpoint: emulator.url(), home }
    }

    /// The same account, as it is seen through `proxy`.
    #[must_use]
    pub fn through(&self, proxy: &Proxy) -> Self {
        Self { endpoint: proxy.url(), ..self.clone() }
    }

    /// The same account and home, with other credentials: those of a user, say.
    #[must_use]
    pub fn with(&self, credentials: Credentials) -> Self {
        Self { credentials, ..self.clone() }
    }

    /// Twelve digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// As in `AWS_ENDPOINT_URL`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What a tool finds in its environment to work in this account.
    pub fn env(&self) -> [(&'static str, &str); 6] {
        [
            ("AWS_ENDPOINT_URL", &self.endpoint),
            ("AWS_ACCESS_KEY_ID", &self.credentials.access_key_id),
            ("AWS_SECRET_ACCESS_KEY", &self.credentials.secret_access_key),
            ("AWS_SESSION_TOKEN", &self.credentials.session_token),
            ("AWS_REGION", HOME),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ]
    }

    /// For the SDK's clients, with which a test makes resources and looks at them: `aws_sdk_iam::Client::new(&sdk)`. They
    /// try once, so that a fault is seen as it is.
    pub fn sdk(&self) -> SdkConfig {
        let credentials = aws_credential_types::Credentials::builder()
            .access_key_id(&self.credentials.access_key_id)
            .secret_access_key(&self.credentials.secret_access_key)
            .session_token(&self.credentials.session_token)
            .provider_name("tests")
            .build();
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static(HOME))
            .endpoint_url(&self.endpoint)
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(RetryConfig::disabled())
            .build()
    }

    /// One call to AWS by hand, in us-east-1: where a test has to change something while a tool runs, and from a rule of
    /// a [`Proxy`]. `service` is the name that it signs with: `iam`, `ec2`, `s3`.
    ///
    /// # Errors
    /// When no answer comes. An answer that says no is an answer.
    pub fn call(&self, service: &str, request: Request) -> io::Result<Response> {
        self.call_in(HOME, service, request)
    }

    /// The same in another region.
    ///
    /// # Errors
    /// When no answer comes.
    pub fn call_in(&self, region: &str, service: &str, request: Request) -> io::Result<Response> {
        send(&self.endpoint, &self.credentials, region, service, request)
    }

    /// One of the tools, with this account's credentials and nothing else in its environment.
    pub fn tool(&self, name: &str) -> Tool {
        Tool::within(name, Some(self), Arc::clone(&self.home))
    }
}

/// The emulator keeps accounts apart by the role whose credentials one uses; the role need not exist.
fn assume_role(emulator: &Emulator, account: &str) -> Credentials {
    let action = "Action=AssumeRole&Version=2011-06-15&RoleSessionName=tests";
    let request = Request::form(format!("{action}&RoleArn=arn:aws:iam::{account}:role/tests"));
    let root = Credentials { access_key_id: "tests".into(), ..Credentials::default() };
    let answer = send(&emulator.url(), &root, HOME, "sts", request).expect("an answer of the emulator").text();
    let field = |name: &str| {
        let after = answer.split_once(&format!("<{name}>")).map(|(_, after)| after);
        let value = after.and_then(|after| after.split_once('<')).map(|(value, _)| value.trim().to_owned());
        value.unwrap_or_else(|| panic!("no {name} in the answer to AssumeRole for {account}: {answer}"))
    };
    Credentials {
        access_key_id: field("AccessKeyId"),
        secret_access_key: field("SecretAccessKey"),
        session_token: field("SessionToken"),
    }
}

/// The emulator reads account, service and region from the signature's head, and does not check the rest.
fn send(
    endpoint: &str,
    credentials: &Credentials,
    region: &str,
    service: &str,
    request: Request,
) -> io::Result<Response> {
    let host = endpoint.trim_start_matches("http://");
    let scope = format!("{}/20260101/{region}/{service}/aws4_request", credentials.access_key_id);
    let mut request = request
        .with("Host", host)
        .with("Authorization", format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"));
    if !credentials.session_token.is_empty() {
        request = request.with("X-Amz-Security-Token", &credentials.session_token);
    }
    let address = host.parse().map_err(io::Error::other)?;
    Response::read(&connect(address, &request)?)
}
