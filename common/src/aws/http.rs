//! The way to the network: one limit for the whole process, one deadline per exchange, and errors that know where they
//! happened.
//!
//! A permit is held for the exchange alone: from before the connection is taken until the last byte of the answer has
//! been read. An SDK call that backs off between two attempts, or waits for credentials, holds none. The deadlines start
//! after the permit is there, for the same reason: waiting for one's turn is no failure.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connection::CaptureSmithyConnection;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::{RuntimeComponents, RuntimeComponentsBuilder};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::config_bag::ConfigBag;
use tokio::sync::Semaphore;

/// An HTTP client that lets only so many exchanges happen at once.
#[derive(Debug)]
pub(super) struct Limited {
    inner: SharedHttpClient,
    permits: Arc<Semaphore>,
    deadline: Duration,
}

impl Limited {
    pub(super) fn new(inner: SharedHttpClient, concurrency: usize, deadline: Duration) -> Self {
        Self { inner, permits: Arc::new(Semaphore::new(concurrency)), deadline }
    }
}

impl HttpClient for Limited {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(LimitedConnector {
            inner: self.inner.http_connector(settings, components),
            permits: Arc::clone(&self.permits),
            deadline: self.deadline,
        })
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        HttpClient::validate_base_client_config(&self.inner, components, config)
    }

    fn validate_final_config(&self, components: &RuntimeComponents, config: &ConfigBag) -> Result<(), BoxError> {
        HttpClient::validate_final_config(&self.inner, components, config)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.inner.connector_metadata()
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
