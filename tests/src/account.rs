//! An AWS account of a test's own.

use std::net::TcpStream;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use crate::emulator::Emulator;
use crate::http::{Request, connect};
use crate::pipeline::Tool;
use crate::proxy::Proxy;

/// Temporary credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
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
        static COUNTER: AtomicU32 = AtomicU32::new(1);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        assert!(number < 100_000, "account numbers of this process are used up");
        // Most ids begin with zeros, and all that takes them for numbers is found out.
        Self::with_id(&format!("{:07}{number:05}", process::id() % 10_000_000))
    }

    /// The account of that number, with whatever other tests of this process made in it.
    pub fn with_id(id: &str) -> Self {
        let emulator = Emulator::shared();
        let credentials = assume_role(emulator, id);
        let home = Arc::new(tempfile::tempdir().expect("a temporary home directory"));
        Self { id: id.to_owned(), credentials, endpoint: emulator.url(), home }
    }

    /// The same account, as it is seen through `proxy`.
    #[must_use]
    pub fn through(&self, proxy: &Proxy) -> Self {
        Self { endpoint: proxy.url(), ..self.clone() }
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
            ("AWS_REGION", "us-east-1"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ]
    }

    /// One of the tools, with this account's credentials and nothing else in its environment.
    pub fn tool(&self, name: &str) -> Tool {
        Tool::within(name, Some(self), Arc::clone(&self.home))
    }
}

/// The emulator keeps accounts apart by the role whose credentials one uses; the role need not exist.
fn assume_role(emulator: &Emulator, account: &str) -> Credentials {
    let form =
        format!("Action=AssumeRole&Version=2011-06-15&RoleArn=arn:aws:iam::{account}:role/tests&RoleSessionName=tests");
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let request = Request {
        method: "POST".into(),
        target: "/".into(),
        headers: vec![
            header("Host", &emulator.address().to_string()),
            header("Content-Type", "application/x-www-form-urlencoded"),
            // The emulator reads the service from here, and does not check the signature.
            header("Authorization", "AWS4-HMAC-SHA256 Credential=tests/20260101/us-east-1/sts/aws4_request"),
        ],
        body: form.into_bytes(),
    };
    let answer = connect(emulator.address(), &request).and_then(read).expect("an answer of the emulator");
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

fn read(stream: TcpStream) -> std::io::Result<String> {
    std::io::read_to_string(stream)
}
