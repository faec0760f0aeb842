//! A proxy in front of the emulator that records every call and makes AWS misbehave where a test asks for it.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::aws_error;
use crate::emulator::Emulator;
use crate::http::{Request, Response, Server, connect};
use crate::operation::Call;

/// Which calls a rule is for: those of an operation, `s3:GetBucketPolicy`, `s3:*` or `*`, all of them or some.
#[derive(Debug, Clone)]
pub struct On {
    operation: String,
    about: Option<String>,
    region: Option<String>,
    which: Which,
}

#[derive(Debug, Clone, Copy)]
enum Which {
    All,
    First(usize),
    After(usize),
    Every(usize),
}

/// The calls of `operation`; `"s3:GetBucketPolicy"` alone says the same where a rule is asked for.
pub fn on(operation: &str) -> On {
    assert!(operation == "*" || operation.contains(':'), "{operation:?} is no service:Operation");
    On { operation: operation.to_owned(), about: None, region: None, which: Which::All }
}

impl From<&str> for On {
    fn from(operation: &str) -> Self {
        on(operation)
    }
}

impl On {
    /// Only calls with this text in their path, query or body: a bucket's name, an instance's id.
    #[must_use]
    pub fn about(mut self, text: &str) -> Self {
        self.about = Some(text.to_owned());
        self
    }

    /// Only calls that are signed for this region.
    #[must_use]
    pub fn region(mut self, name: &str) -> Self {
        self.region = Some(name.to_owned());
        self
    }

    /// Only the first `count` of them.
    #[must_use]
    pub fn first(mut self, count: usize) -> Self {
        self.which = Which::First(count);
        self
    }

    /// All but the first `count` of them.
    #[must_use]
    pub fn after(mut self, count: usize) -> Self {
        self.which = Which::After(count);
        self
    }

    /// Each `nth` of them.
    #[must_use]
    pub fn every(mut self, nth: usize) -> Self {
        assert!(nth > 0, "every 0th call is none");
        self.which = Which::Every(nth);
        self
    }

    fn covers(&self, call: &Call) -> bool {
        let operation = match self.operation.strip_suffix('*') {
            Some(prefix) => call.name().starts_with(prefix),
            None => call.name() == self.operation,
        };
        let about = |text: &String| call.request.target.contains(text) || call.request.text().contains(text);
        let region = |name: &String| {
            call.request.header("authorization").is_some_and(|signature| signature.contains(&format!("/{name}/")))
        };
        operation && self.about.as_ref().is_none_or(about) && self.region.as_ref().is_none_or(region)
    }
}

impl Which {
    /// Whether the call is meant, the first one being 1.
    fn covers(self, number: usize) -> bool {
        match self {
            Self::All => true,
            Self::First(count) => number <= count,
            Self::After(count) => number > count,
            Self::Every(nth) => number.is_multiple_of(nth),
        }
    }
}

/// What becomes of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The emulator gets it, unless another rule says otherwise.
    Pass,
    /// The emulator does not hear of it.
    Answer(Response),
    /// The connection ends without an answer, and nothing happened.
    CutBefore,
    /// The connection ends without an answer, and it did happen.
    CutAfter,
    /// The connection ends in the middle of the answer, and it did happen.
    CutWithin,
    /// No answer comes, for as long as the client waits, and it did happen.
    Silence,
}

impl Verdict {
    /// An error in the service's own shape; the emulator does not hear of it.
    pub fn error(call: &Call, status: u16, code: &str, message: &str) -> Self {
        Self::Answer(aws_error::error(call, status, code, message))
    }

    /// What the service says to a caller who calls too often.
    pub fn throttled(call: &Call) -> Self {
        Self::Answer(aws_error::throttled(call))
    }
}

type Decide = dyn Fn(&Call) -> Verdict + Send + Sync;

struct Rule {
    on: On,
    seen: AtomicUsize,
    decide: Box<Decide>,
}

#[derive(Default)]
struct State {
    rules: Mutex<Vec<Arc<Rule>>>,
    calls: Mutex<Vec<Call>>,
}

/// See the module. Made with its rules:
/// `Proxy::new(emulator).deny("s3:GetBucketPolicy").cut_after(on("s3:PutBucketAcl").first(1))`.
///
/// The first rule that does not let a call pass decides.
pub struct Proxy {
    server: Server,
    state: Arc<State>,
}

impl Proxy {
    pub fn new(emulator: &Emulator) -> Self {
        let state = Arc::new(State::default());
        let upstream = emulator.address();
        let server = Server::start({
            let state = Arc::clone(&state);
            move |request, client| state.serve(request, client, upstream)
        });
        Self { server, state }
    }

    /// Where it listens: the endpoint to give to a tool (`Account::through` does).
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The most general rule: `decide` is called for each of the calls, before the emulator gets it. It may wait, change
    /// things behind the caller's back, or look into the request.
    #[must_use]
    pub fn rule(self, on: impl Into<On>, decide: impl Fn(&Call) -> Verdict + Send + Sync + 'static) -> Self {
        let rule = Rule { on: on.into(), seen: AtomicUsize::new(0), decide: Box::new(decide) };
        lock(&self.state.rules).push(Arc::new(rule));
        self
    }

    /// Not allowed, as the service itself says it.
    #[must_use]
    pub fn deny(self, on: impl Into<On>) -> Self {
        self.rule(on, |call| Verdict::Answer(aws_error::access_denied(call)))
    }

    /// Too many requests, as the service itself says it.
    #[must_use]
    pub fn throttle(self, on: impl Into<On>) -> Self {
        self.rule(on, |call| Verdict::Answer(aws_error::throttled(call)))
    }

    /// Any other error, in the service's own shape.
    #[must_use]
    pub fn fail(self, on: impl Into<On>, status: u16, code: &str, message: &str) -> Self {
        let (code, message) = (code.to_owned(), message.to_owned());
        self.rule(on, move |call| Verdict::Answer(aws_error::error(call, status, &code, &message)))
    }

    /// An answer of the test's own.
    #[must_use]
    pub fn answer(self, on: impl Into<On>, response: Response) -> Self {
        self.rule(on, move |_| Verdict::Answer(response.clone()))
    }

    /// An answer that takes its time.
    #[must_use]
    pub fn delay(self, on: impl Into<On>, time: Duration) -> Self {
        self.rule(on, move |_| {
            thread::sleep(time);
            Verdict::Pass
        })
    }

    /// No answer, and the emulator never heard of the call.
    #[must_use]
    pub fn cut_before(self, on: impl Into<On>) -> Self {
        self.rule(on, |_| Verdict::CutBefore)
    }

    /// No answer, though the emulator did what it was asked.
    #[must_use]
    pub fn cut_after(self, on: impl Into<On>) -> Self {
        self.rule(on, |_| Verdict::CutAfter)
    }

    /// Every call that came, in the order of their coming, answered or not.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.state.calls).clone()
    }

    /// How many calls came that `on` covers: `proxy.count("s3:*")`.
    pub fn count(&self, on: impl Into<On>) -> usize {
        let on = on.into();
        lock(&self.state.calls).iter().filter(|call| on.covers(call)).count()
    }

    /// How often each operation was called.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for call in lock(&self.state.calls).iter() {
            *counts.entry(call.name()).or_default() += 1;
        }
        counts
    }

    /// Forgets the rules and the calls so far: AWS is well again.
    pub fn reset(&self) {
        lock(&self.state.rules).clear();
        lock(&self.state.calls).clear();
    }
}

impl State {
    fn serve(&self, request: Request, client: &TcpStream, upstream: SocketAddr) -> io::Result<()> {
        let call = Call::of(request);
        lock(&self.calls).push(call.clone());
        match self.decide(&call) {
            Verdict::Pass => {
                let answer = connect(upstream, &call.request);
                forward(answer, client).or_else(|error| {
                    let text = format!("the tests' proxy: the emulator does not answer: {error}");
                    Response::new(502, text).send(client, &call.request)
                })
            }
            Verdict::Answer(response) => response.send(client, &call.request),
            Verdict::CutBefore => client.shutdown(Shutdown::Both),
            Verdict::CutAfter => {
                // Cut only when the emulator is done: its answer is the sign.
                let answer = connect(upstream, &call.request)?;
                io::copy(&mut &answer, &mut io::sink())?;
                client.shutdown(Shutdown::Both)
            }
            Verdict::CutWithin => {
                let mut answer = Vec::new();
                connect(upstream, &call.request)?.read_to_end(&mut answer)?;
                // All of the head, which says how much there is to come, and half of that.
                let head = answer.windows(4).position(|end| end == b"\r\n\r\n").map_or(0, |at| at + 4);
                let mut to = client;
                to.write_all(&answer[..usize::midpoint(head, answer.len())])?;
                client.shutdown(Shutdown::Both)
            }
            Verdict::Silence => {
                let answer = connect(upstream, &call.request)?;
                io::copy(&mut &answer, &mut io::sink())?;
                // Ends when the client hangs up.
                let mut from = client;
                io::copy(&mut from, &mut io::sink()).map(drop)
            }
        }
    }

    fn decide(&self, call: &Call) -> Verdict {
        // A copy: a rule may take its time, or call through this proxy itself.
        let rules = lock(&self.rules).clone();
        for rule in rules.iter().filter(|rule| rule.on.covers(call)) {
            let number = rule.seen.fetch_add(1, Ordering::SeqCst) + 1;
            if !rule.on.which.covers(number) {
                continue;
            }
            let verdict = (rule.decide)(call);
            if verdict != Verdict::Pass {
                return verdict;
            }
        }
        Verdict::Pass
    }
}

/// Copies the emulator's answer as it comes, of whatever size. An error means that nothing reached the client yet.
fn forward(answer: io::Result<TcpStream>, client: &TcpStream) -> io::Result<()> {
    let answer = answer?;
    let (mut from, mut to) = (&answer, client);
    // Waits for the first bytes, which show that the emulator answers at all.
    if answer.peek(&mut [0])? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    // From here on the client has seen something: it notices itself what is missing.
    drop(io::copy(&mut from, &mut to).and_then(|_| to.flush()));
    Ok(())
}

/// A test that panicked elsewhere does not hide what was recorded.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("server", &self.server).field("counts", &self.counts()).finish_non_exhaustive()
    }
}
