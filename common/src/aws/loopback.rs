//! A server for the tests of this layer: it answers as it is told, hangs, or hangs up.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::SdkConfig;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::config::{self, Deadlines};
use super::http::Limited;

pub(super) enum Reply {
    Answer(u16, String),
    Late(Duration, u16, String),
    /// Reads the request and never answers.
    Silence,
    /// Reads the request and closes the connection.
    HangUp,
    /// Promises more than it sends.
    Half,
}

/// A request as the server sees it: its number from 1 on, its head and its body in one text.
pub(super) struct Request {
    pub(super) number: usize,
    pub(super) text: String,
}

#[derive(Clone)]
pub(super) struct Server {
    pub(super) address: String,
    requests: Arc<Mutex<Vec<String>>>,
    now: Arc<AtomicUsize>,
    peak: Arc<AtomicUsize>,
}

impl Server {
    pub(super) async fn start(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = Self { address, requests: Arc::default(), now: Arc::default(), peak: Arc::default() };
        let answer = Arc::new(answer);
        let this = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (this, answer) = (this.clone(), Arc::clone(&answer));
                tokio::spawn(async move { this.serve(stream, &*answer).await });
            }
        });
        server
    }

    /// An address where nobody listens.
    pub(super) async fn nobody() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().to_string()
    }

    /// All requests so far.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// How many requests were there at once, at most.
    pub(super) fn peak(&self) -> usize {
        self.peak.load(Ordering::SeqCst)
    }

    async fn serve(&self, stream: TcpStream, answer: &(impl Fn(&Request) -> Reply + Send + Sync)) {
        let mut stream = BufReader::new(stream);
        while let Some(text) = read(&mut stream).await {
            self.peak.fetch_max(self.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            let number = {
                let mut requests = self.requests.lock().unwrap();
                requests.push(text.clone());
                requests.len()
            };
            let reply = answer(&Request { number, text });
            let (status, body) = match reply {
                Reply::Answer(status, body) => (status, body),
                Reply::Late(delay, status, body) => {
                    tokio::time::sleep(delay).await;
                    (status, body)
                }
                Reply::Silence => return std::future::pending().await,
                Reply::HangUp => return,
                Reply::Half => {
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n<a>").await;
                    return;
                }
            };
            self.now.fetch_sub(1, Ordering::SeqCst);
            let head =
                format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nx-amzn-requestid: r-1\r\n\r\n", body.len());
            let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut text = String::new();
    let mut length = 0;
    loop {
        let start = text.len();
        if stream.read_line(&mut text).await.ok()? == 0 {
            return None;
        }
        let line = text[start..].to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    text.push_str(&String::from_utf8(body).ok()?);
    Some(text)
}

pub(super) const SECRET: &str = "very-secret-key";

/// A configuration as [`config::load`] makes it, with quick retries and deadlines.
pub(super) fn sdk_config(address: &str, attempts: u32, concurrency: usize) -> SdkConfig {
    let deadlines =
        Deadlines { connect: Duration::from_secs(5), answer: Duration::from_secs(1), exchange: Duration::from_secs(2) };
    let credentials =
        Credentials::builder().access_key_id("AKIATEST").secret_access_key(SECRET).provider_name("test").build();
    SdkConfig::builder()
        .behavior_version(config::behavior())
        .region(aws_types::region::Region::from_static("eu-west-1"))
        .endpoint_url(format!("http://{address}"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(SharedHttpClient::new(Limited::new(concurrency, deadlines.exchange, ProxyConfig::disabled())))
        .timeout_config(config::timeouts(deadlines))
        .retry_config(
            RetryConfig::standard().with_max_attempts(attempts).with_initial_backoff(Duration::from_millis(1)),
        )
        .stalled_stream_protection(aws_config::stalled_stream_protection::StalledStreamProtectionConfig::disabled())
        .build()
}

/// What STS says to `GetCallerIdentity`.
pub(super) fn identity(account: &str, partition: &str) -> Reply {
    Reply::Answer(
        200,
        format!(
            "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:{partition}:iam::{account}:user/jane</Arn>\
             <UserId>AIDA</UserId><Account>{account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
        ),
    )
}

/// What STS says when it refuses.
pub(super) fn refusal(status: u16, code: &str, message: &str) -> Reply {
    Reply::Answer(
        status,
        format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
             <RequestId>r-1</RequestId></ErrorResponse>"
        ),
    )
}

/// What STS says to `AssumeRole`.
pub(super) fn assumed(key: &str, expires: jiff::Timestamp) -> Reply {
    Reply::Answer(
        200,
        format!(
            "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>{key}</AccessKeyId>\
             <SecretAccessKey>{SECRET}</SecretAccessKey><SessionToken>{SECRET}-token</SessionToken>\
             <Expiration>{expires}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
        ),
    )
}
