//! While the input is open: alerts at once, the rest when its time has come or the run is told to end.

use std::fs::File;
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use common::aws::block_on;
use common::cli::{Captured, Io, Say};
use common::document::Place;
use common::exit::Exit;
use common::record::DeliveryStatus;
use common::settings::{Settings, Zone};
use tokio::sync::oneshot;

use crate::channels::Channel;
use crate::configure::{self, Setup};
use crate::memory::{Memory, Terms};
use crate::route::Target;
use crate::session::Caller;
use crate::{Args, run_with};

use super::server::{Answer, Server};
use super::slack::slack;
use super::{QUICK, alert, findings, run, run_into, run_setup};

const OK: Answer = Answer::Http(200, "", "ok");
/// Long enough for a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// An input that stays open until it is dropped.
struct Open(Receiver<Vec<u8>>, Vec<u8>);

impl Read for Open {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.1.is_empty() {
            match self.0.recv() {
                Ok(text) => self.1 = text,
                Err(_) => return Ok(0),
            }
        }
        let count = self.1.len().min(into.len());
        into[..count].copy_from_slice(&self.1[..count]);
        self.1.drain(..count);
        Ok(count)
    }
}

fn open() -> (Sender<Vec<u8>>, Open) {
    let (sender, receiver) = channel();
    (sender, Open(receiver, Vec::new()))
}

fn everybody(channels: Vec<Channel>) -> Setup {
    configure::for_everybody(channels, &Zone::default(), &Settings::default()).unwrap()
}

fn wait_for(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < PATIENCE, "waited in vain");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn an_alert_does_not_wait_for_the_end_of_the_input() {
    let server = Server::start(vec![OK]);
    let (sender, input) = open();
    let (out, said) = (Captured::default(), Captured::default());
    let setup = everybody(slack(&server.url, Duration::ZERO));
    let run = thread::spawn({
        let (out, said) = (out.clone(), said.clone());
        move || run_into(&[], input, setup, std::future::pending(), &out, &said)
    });
    sender.send(findings(1).into_bytes()).unwrap();
    for number in 1..=3 {
        sender.send(alert(&format!("i/{number}")).into_bytes()).unwrap();
        // The finding waits, the alert does not, and its record is out as well: nobody has closed the input.
        wait_for(|| server.requests().len() == number && out.text().lines().count() == number);
        assert!(server.requests()[number - 1].body.contains(&format!("i/{number}")), "{said:?}");
    }
    drop(sender);
    assert_eq!(run.join().unwrap(), Ok(Exit::Done));
    let requests = server.requests();
    assert_eq!(requests.len(), 4);
    assert!(requests[3].body.contains("arn:aws:s3:::b0"), "{}", requests[3].body);
    let keys: Vec<_> = out
        .text()
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["keys"][0].clone())
        .collect();
    assert_eq!(keys, ["i/1", "i/2", "i/3", "s3_bucket_public_acl:arn:aws:s3:::b0"]);
}

#[test]
fn an_alert_outlasts_an_outage_that_is_shorter_than_its_deadline() {
    let down = || Answer::Http(503, "", "");
    let mut answers: Vec<Answer> = (0..9).map(|_| down()).collect();
    answers.push(OK);
    let server = Server::start(answers);
    let ran = run(&["--deadline", "30s"], &alert("i/1"), slack(&server.url, Duration::ZERO));
    assert_eq!(ran.exit, Ok(Exit::Done), "{}", ran.stderr);
    assert_eq!((ran.deliveries[0].status, ran.deliveries[0].attempts), (DeliveryStatus::Delivered, 10));
    // One that does not get through lets the next one go before it, and fails in the end.
    let (sender, input) = open();
    let server = Server::start((0..3).map(|_| down()).chain([OK, down()]).collect());
    let (out, said) = (Captured::default(), Captured::default());
    let setup = everybody(slack(&server.url, Duration::ZERO));
    let run = thread::spawn({
        let (out, said) = (out.clone(), said.clone());
        move || run_into(&["--deadline", "3s"], input, setup, std::future::pending(), &out, &said)
    });
    sender.send((alert("i/1") + &alert("i/2")).into_bytes()).unwrap();
    wait_for(|| out.text().contains("\"failed\""));
    drop(sender);
    assert_eq!(run.join().unwrap(), Ok(Exit::Incomplete));
    let told: Vec<bool> = server.requests().iter().map(|request| request.body.contains("i/2")).collect();
    assert!(told.len() > 5 && told[3] && told.iter().filter(|is_second| **is_second).count() == 1, "{told:?}");
}

#[test]
fn an_alert_goes_ahead_of_what_was_collected() {
    // The first message is refused for a while; what came later and is urgent is the next that is sent.
    let busy = Answer::Http(429, "Retry-After: 1\r\n", "");
    let server = Server::start(vec![busy, OK]);
    let (sender, input) = open();
    let (out, said) = (Captured::default(), Captured::default());
    let setup = everybody(slack(&server.url, Duration::ZERO));
    let run = thread::spawn({
        let (out, said) = (out.clone(), said.clone());
        move || run_into(&["--every", "10ms"], input, setup, std::future::pending(), &out, &said)
    });
    sender.send(findings(1).into_bytes()).unwrap();
    wait_for(|| server.requests().len() == 1);
    sender.send(alert("i/1").into_bytes()).unwrap();
    wait_for(|| server.requests().len() == 3);
    drop(sender);
    assert_eq!(run.join().unwrap(), Ok(Exit::Done));
    let requests = server.requests();
    assert_eq!(requests[0].body, requests[2].body);
    assert!(requests[1].body.contains("i/1"), "{}", requests[1].body);
}

#[test]
fn what_was_collected_is_told_when_its_time_has_come() {
    let server = Server::start(vec![OK]);
    let (sender, input) = open();
    let (out, said) = (Captured::default(), Captured::default());
    let setup = everybody(slack(&server.url, Duration::ZERO));
    let run = thread::spawn({
        let (out, said) = (out.clone(), said.clone());
        move || run_into(&["--every", "50ms"], input, setup, std::future::pending(), &out, &said)
    });
    for number in 1..=3 {
        sender.send(findings(1).into_bytes()).unwrap();
        wait_for(|| server.requests().len() == number);
    }
    // Time alone is no news.
    thread::sleep(Duration::from_millis(200));
    assert_eq!(server.requests().len(), 3);
    drop(sender);
    assert_eq!(run.join().unwrap(), Ok(Exit::Done));
    assert_eq!((server.requests().len(), out.text().lines().count()), (3, 3), "{said:?}");
}

#[test]
fn who_is_told_to_end_tells_what_came_until_then() {
    let server = Server::start(vec![OK]);
    let (sender, input) = open();
    let (stop, stopped) = oneshot::channel::<()>();
    let (out, said) = (Captured::default(), Captured::default());
    let setup = everybody(slack(&server.url, Duration::ZERO));
    let run = thread::spawn({
        let (out, said) = (out.clone(), said.clone());
        move || run_into(&[], input, setup, async { drop(stopped.await) }, &out, &said)
    });
    let token = "{\"kind\":\"token\"}\n";
    sender.send((findings(2) + token).into_bytes()).unwrap();
    wait_for(|| out.text() == token);
    assert_eq!(server.requests().len(), 0);
    stop.send(()).unwrap();
    // The input is still open.
    assert_eq!(run.join().unwrap(), Ok(Exit::Done));
    drop(sender);
    assert_eq!(server.requests().len(), 1);
    assert!(said.text().contains("told to end"), "{}", said.text());
}

#[test]
fn a_dead_target_holds_up_neither_alerts_nor_anybody_else() {
    let (dead, alive) = (Server::start(vec![Answer::Hang(Duration::from_secs(5))]), Server::start(vec![OK]));
    let channels =
        [slack(&dead.url, Duration::ZERO), slack(&alive.url, Duration::ZERO)].into_iter().flatten().collect();
    let input = alert("i/1") + &findings(3) + &alert("i/2");
    let ran = run(&["--deadline", "2s"], &input, channels);
    assert_eq!(ran.exit, Ok(Exit::Incomplete));
    assert_eq!(alive.requests().len(), 3);
    let keys = |status: DeliveryStatus| {
        let deliveries = ran.deliveries.iter().filter(|delivery| delivery.status == status);
        let mut keys: Vec<String> = deliveries.flat_map(|delivery| delivery.keys.clone()).collect();
        keys.sort();
        keys
    };
    let delivered = keys(DeliveryStatus::Delivered);
    assert_eq!(delivered.len(), 5);
    assert_eq!(delivered, keys(DeliveryStatus::Failed), "what one has not heard is named, all of it");
}

#[test]
fn what_is_passed_on_comes_as_it_came_and_ahead_of_the_deliveries() {
    let server = Server::start(vec![OK]);
    let odd = "{\"kind\":\"alert\",\"n\":1.50e1,\"sur\":\"\\ud800\"}\n";
    let broken = "{\"kind\":\"finding\",\"key\":7}\n";
    let outcome = serde_json::to_string(&crate::samples::outcome("b", common::record::OutcomeStatus::Applied)).unwrap();
    let input = [&findings(2), "{\"kind\":\"token\",\"n\":1.0}\n", odd, &alert("i/1"), &outcome, "\n", broken].concat();
    for (arguments, expected) in
        [(&["--tee"][..], input.clone()), (&[], ["{\"kind\":\"token\",\"n\":1.0}\n", odd].concat())]
    {
        let ran = run(arguments, &input, slack(&server.url, Duration::ZERO));
        assert_eq!(ran.exit, Ok(Exit::Incomplete), "{ran:?}");
        let lines: Vec<&str> = ran.stdout.lines().collect();
        let is_delivery = |line: &&&str| line.starts_with("{\"kind\":\"delivery\"");
        let passed: String = lines.iter().filter(|line| !is_delivery(line)).flat_map(|line| [*line, "\n"]).collect();
        assert_eq!(passed, expected);
        assert_eq!(ran.deliveries.len(), 2);
        // The digest's delivery is the last; each stands behind what it tells of.
        assert!(is_delivery(&lines.last().unwrap()));
        assert!(ran.stderr.contains("line 4: ") && ran.stderr.contains("line 7: "), "{}", ran.stderr);
        assert_eq!(ran.deliveries.iter().map(|delivery| delivery.keys.len()).sum::<usize>(), 4);
    }
}

#[test]
fn every_record_is_in_a_message_or_counted() {
    let accounts = 40;
    let server = Server::start(vec![OK]);
    let ran = run(&[], &findings(accounts), slack(&server.url, Duration::ZERO));
    assert_eq!(ran.exit, Ok(Exit::Done));
    let mut keys: Vec<String> = ran.deliveries.iter().flat_map(|delivery| delivery.keys.clone()).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), accounts);

    // Nobody to tell.
    let setup = Setup { router: crate::route::Router::default(), ..everybody(slack(&server.url, Duration::ZERO)) };
    let sent = server.requests().len();
    let ran = run_setup(&[], io::Cursor::new(findings(3) + &alert("i/1")), setup, std::future::pending());
    assert_eq!((ran.exit, server.requests().len()), (Ok(Exit::Incomplete), sent));
    assert!(ran.stderr.contains("4 records told to nobody: no route matches"), "{}", ran.stderr);
    // The alert at once, and what was collected when it would have been told.
    let unheard: Vec<_> = ran.deliveries.iter().map(|it| (&*it.channel, it.status, it.keys.len())).collect();
    assert_eq!(unheard, [("none", DeliveryStatus::Failed, 1), ("none", DeliveryStatus::Failed, 3)]);
}

#[test]
fn alerts_wait_neither_behind_what_was_collected_nor_for_each_other_while_the_memory_does_not_answer() {
    let server = Server::start(vec![OK]);
    let (sender, input) = open();
    let said = Captured::default();
    let directory = std::env::temp_dir().join(format!("notify-slow-memory-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let (path, lock) = (directory.join("said.json"), File::create(directory.join("said.json.lock")).unwrap());
    let setup = everybody(slack(&server.url, Duration::ZERO));
    let args = Args::parse_from(["notify", "--every", "10ms", "--deadline", "10m"]);
    let terms = Terms { targets: setup.targets.iter().map(Target::name).collect(), ..Terms::default() };
    let caller = Caller::new(&args, &common::settings::Aws::default());
    let place: Place = path.to_str().unwrap().parse().unwrap();
    let memory = block_on(Memory::open(&place, terms, &caller)).unwrap();

    // A person has it open in an editor that knows of the lock.
    lock.lock().unwrap();
    let run = thread::spawn({
        let said = said.clone();
        move || {
            let say: &'static Say = Box::leak(Box::new(Say::to("notify", said)));
            let out = Box::new(Captured::default());
            let io = Io { input: Box::new(input), output: out, terminal: false, say };
            block_on(run_with(&args, setup, memory, io, QUICK, std::future::pending()))
                .map_err(|failure| failure.exit())
        }
    });
    sender.send(findings(1).into_bytes()).unwrap();
    // Its time has come: what was collected waits for the memory.
    thread::sleep(Duration::from_millis(500));
    for number in 1..=20 {
        sender.send(alert(&format!("i/{number}")).into_bytes()).unwrap();
    }
    wait_for(|| server.requests().len() >= 20);
    lock.unlock().unwrap();
    drop(sender);
    assert_eq!(run.join().unwrap(), Ok(Exit::Incomplete), "the memory could not be asked: {}", said.text());
    let requests = server.requests();
    assert_eq!(requests.len(), 21);
    for (number, request) in (1..=20).zip(&requests) {
        assert!(request.body.contains(&format!("i/{number}")), "in their order");
    }
    assert!(requests[20].body.contains("arn:aws:s3:::b0"), "{}", requests[20].body);
    std::fs::remove_dir_all(&directory).unwrap();
}
