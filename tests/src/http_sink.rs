//! Where `notify` delivers to in a test: an HTTP server that answers as it is told and remembers what it got.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read as _};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::http::{Request, Response, Server};

/// What the sink does with one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    Answer(Response),
    /// No answer, until the client gives up.
    Hang,
    /// The connection ends without an answer.
    Cut,
}

impl Reply {
    /// What Slack says when all is well.
    pub fn ok() -> Self {
        Self::status(200, "ok")
    }

    /// A status and a text, as Slack answers: `status(404, "no_service")`.
    pub fn status(status: u16, text: &str) -> Self {
        Self::Answer(Response::new(status, text).with("Content-Type", "text/plain"))
    }

    /// Too many requests; with the seconds that the client is told to wait, or without a word about it.
    pub fn too_many(retry_after: Option<u32>) -> Self {
        let response = Response::new(429, "rate_limited").with("Content-Type", "text/plain");
        Self::Answer(match retry_after {
            Some(seconds) => response.with("Retry-After", seconds),
            None => response,
        })
    }
}

#[derive(Default)]
struct State {
    script: Mutex<VecDeque<Reply>>,
    got: Mutex<Vec<(Instant, Request)>>,
}

/// See the module.
pub struct HttpSink {
    server: Server,
    state: Arc<State>,
}

impl HttpSink {
    /// Answers the first request with the first reply and so on; `ok` when there is none left.
    pub fn new(script: impl IntoIterator<Item = Reply>) -> Self {
        let state = Arc::new(State { script: Mutex::new(script.into_iter().collect()), got: Mutex::new(Vec::new()) });
        let server = Server::start({
            let state = Arc::clone(&state);
            move |request, client| state.serve(&request, client)
        });
        Self { server, state }
    }

    /// `http://127.0.0.1:PORT`, to which a webhook's path is added.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// What came, in the order of its coming.
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.state.got).iter().map(|(_, request)| request.clone()).collect()
    }

    /// When each request came: whether a client waited as long as it was told.
    pub fn times(&self) -> Vec<Instant> {
        lock(&self.state.got).iter().map(|(time, _)| *time).collect()
    }

    /// The bodies that came, as JSON.
    ///
    /// # Panics
    /// When one is not JSON.
    pub fn json(&self) -> Vec<serde_json::Value> {
        let parse = |request: &Request| {
            serde_json::from_slice(&request.body).unwrap_or_else(|error| panic!("{error}: {}", request.text()))
        };
        self.requests().iter().map(parse).collect()
    }

    /// Replies that are still to be given: empty when the client came as often as the test expected.
    pub fn left(&self) -> Vec<Reply> {
        lock(&self.state.script).iter().cloned().collect()
    }
}

impl State {
    fn serve(&self, request: &Request, mut client: &TcpStream) -> io::Result<()> {
        let reply = {
            // Both under one lock, so that the n-th request recorded is the one that gets the n-th reply.
            let mut script = lock(&self.script);
            lock(&self.got).push((Instant::now(), request.clone()));
            script.pop_front().unwrap_or_else(Reply::ok)
        };
        match reply {
            Reply::Answer(response) => response.send(client, request),
            // Ends when the client closes, or at the server's own limit.
            Reply::Hang => client.read(&mut [0]).map(drop),
            Reply::Cut => client.shutdown(Shutdown::Both),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for HttpSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSink").field("server", &self.server).field("got", &self.requests()).finish_non_exhaustive()
    }
}
