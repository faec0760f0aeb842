//! The way to the network: one limit for the whole process, one deadline per exchange, and errors that know where they
//! happened.
//!
//! A permit is held for the exchange alone: from before the connection is taken until the last byte of the answer has
//! been read. An SDK call that backs off between two attempts, or waits for credentials, holds none. The deadlines start
//! after the permit is there, for the same reason: waiting for one's turn is no failure.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connection::CaptureSmithyConnection;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use tokio::sync::Semaphore;

/// After how long an idle connection is not used again. A server that closes it at the moment in which a write goes out
/// leaves that write's outcome unknown.
const IDLE: Duration = Duration::from_secs(10);

/// An HTTP client that lets only so many exchanges happen at once.
#[derive(Debug)]
pub(super) struct Limited {
    permits: Arc<Semaphore>,
    deadline: Duration,
    proxy: ProxyConfig,
    /// One for each pair of timeouts: a connector has the pool of its connections.
    connectors: Mutex<HashMap<Timeouts, SharedHttpConnector>>,
}

/// To connect, and to the first byte of the answer.
type Timeouts = (Option<Duration>, Option<Duration>);

impl Limited {
    /// A client with at most `concurrency` exchanges at once, each of which must have ended after `deadline`.
    pub(super) fn new(concurrency: usize, deadline: Duration, proxy: ProxyConfig) -> Self {
        Self { permits: Arc::new(Semaphore::new(concurrency)), deadline, proxy, connectors: Mutex::default() }
    }

    fn connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let timeouts = (settings.connect_timeout(), settings.read_timeout());
        let mut connectors = self.connectors.lock().unwrap_or_else(PoisonError::into_inner);
        let connector = connectors.entry(timeouts).or_insert_with(|| {
            let mut builder = Connector::builder()
                .connector_settings(settings.clone())
                .proxy_config(self.proxy.clone())
                .pool_idle_timeout(IDLE);
            builder.set_sleep_impl(components.sleep_impl());
            let tls = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc);
            SharedHttpConnector::new(builder.tls_provider(tls).build())
        });
        connector.clone()
    }
}

impl HttpClient for Limited {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(LimitedConnector {
            inner: self.connector(settings, components),
            permits: Arc::clone(&self.permits),
            deadline: self.deadline,
        })
    }
}

#[derive(Debug)]
struct LimitedConnector {
    inner: SharedHttpConnector,
    permits: Arc<Semaphore>,
    deadline: Duration,
}

impl HttpConnector for LimitedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (inner, permits, deadline) = (self.inner.clone(), Arc::clone(&self.permits), self.deadline);
        HttpConnectorFuture::new(async move {
            let endpoint = endpoint(request.uri());
            // The SDK puts it there so that it can close broken connections; it also tells whether there ever was one.
            let connection = request.extension::<CaptureSmithyConnection>().cloned();
            let _permit = permits.acquire_owned().await.map_err(|closed| ConnectorError::other(closed.into(), None))?;
            let failed = |source: Option<ConnectorError>| {
                let connected = connection.as_ref().is_none_or(|connection| connection.get().is_some());
                NetworkError::wrap(endpoint, connected, source)
            };
            match tokio::time::timeout(deadline, exchange(&inner, request)).await {
                Ok(Ok(response)) => Ok(response),
                Ok(Err(error)) => Err(failed(Some(error))),
                Err(_elapsed) => Err(failed(None)),
            }
        })
    }
}

/// Sends the request and reads the whole answer. All calls of these tools have answers that fit into memory.
async fn exchange(inner: &SharedHttpConnector, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let mut response = inner.call(request).await?;
    let body = std::mem::replace(response.body_mut(), SdkBody::taken());
    let bytes = ByteStream::new(body).collect().await.map_err(|error| ConnectorError::io(error.into()))?;
    *response.body_mut() = SdkBody::from(bytes.into_bytes());
    Ok(response)
}

/// `host:port` of a request, for messages. The query, which may hold a presigned request's signature, stays out.
fn endpoint(uri: &str) -> String {
    let (scheme, rest) = uri.split_once("://").unwrap_or(("https", uri));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let port = if scheme == "http" { 80 } else { 443 };
    if has_port { host.to_owned() } else { format!("{host}:{port}") }
}

/// A request that got no whole answer.
#[derive(Debug)]
pub(super) struct NetworkError {
    /// `host:port`.
    pub(super) endpoint: String,
    /// Whether there was a connection, on which the request may have gone out.
    pub(super) connected: bool,
    /// Whether a deadline ended it.
    pub(super) timed_out: bool,
    source: Option<BoxError>,
}

impl NetworkError {
    /// A connector error of the same kind, so that the SDK's own retry classifiers judge it as before.
    fn wrap(endpoint: String, connected: bool, error: Option<ConnectorError>) -> ConnectorError {
        let timed_out = error.as_ref().is_none_or(ConnectorError::is_timeout);
        let (user, other, kind) =
            error.as_ref().map_or((false, false, None), |error| (error.is_user(), error.is_other(), error.as_other()));
        let source = error.map(ConnectorError::into_source);
        let wrapped = Box::new(Self { endpoint, connected, timed_out, source });
        let error = match () {
            () if timed_out => ConnectorError::timeout(wrapped),
            () if user => ConnectorError::user(wrapped),
            () if other => ConnectorError::other(wrapped, kind),
            () => ConnectorError::io(wrapped),
        };
        if connected { error } else { error.never_connected() }
    }
}

impl fmt::Display for NetworkError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoint = &self.endpoint;
        match (self.connected, self.timed_out) {
            (true, true) => write!(out, "{endpoint} did not answer in time"),
            (true, false) => write!(out, "the connection to {endpoint} broke off before the answer was complete"),
            (false, true) => write!(out, "no connection to {endpoint} could be made in time"),
            (false, false) => write!(out, "no connection to {endpoint} could be made"),
        }
    }
}

impl Error for NetworkError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_named_with_its_port_and_nothing_secret() {
        for (uri, named) in [
            ("https://sts.eu-west-1.amazonaws.com/", "sts.eu-west-1.amazonaws.com:443"),
            ("http://127.0.0.1:5000/bucket?X-Amz-Signature=abc", "127.0.0.1:5000"),
            ("http://user:secret@proxy.example?x", "proxy.example:80"),
            ("http://[::1]:5000/", "[::1]:5000"),
        ] {
            assert_eq!(endpoint(uri), named);
        }
    }
}
