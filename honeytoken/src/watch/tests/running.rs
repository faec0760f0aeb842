//! Sources, engine and output together: what is promised to sources, and how a run ends.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use common::cli::{Captured, Failure, Say};
use common::exit::Exit;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::*;
use crate::watch::Watch;
use crate::watch::input::{Input, Inputs, Stop};
use crate::watch::local::Local;
use crate::watch::sources::Source;

/// A source that is a function.
struct From<F>(F);

impl<F: FnOnce(Inputs, Stop) -> BoxFuture<'static, Result<(), Failure>> + Send> Source for From<F> {
    fn run(self: Box<Self>, inputs: Inputs, stop: Stop) -> BoxFuture<'static, Result<(), Failure>> {
        (self.0)(inputs, stop)
    }
}

fn source<F: Future<Output = Result<(), Failure>> + Send + 'static>(
    run: impl FnOnce(Inputs, Stop) -> F + Send + 'static,
) -> Box<dyn Source> {
    Box::new(From(move |inputs, stop| -> BoxFuture<'static, _> { Box::pin(run(inputs, stop)) }))
}

fn found(text: &str) -> Vec<Input> {
    let all = found_in(text).into_iter().map(Result::unwrap);
    all.map(|found| Input::Found { found, source: "sqs", origin: "the queue".into() }).collect()
}

fn said(out: &Captured) -> &'static Say {
    Box::leak(Box::new(Say::to("honeytoken", out.clone())))
}

fn with(registry: Registry) -> (Watch, Arc<Registry>) {
    let registry = Arc::new(registry);
    (Watch { registry: Arc::clone(&registry), watched: Arc::clone(&registry), rules: plain() }, registry)
}

/// Whose reader has gone.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn what_is_settled_is_written_and_told() {
    let (watch, registry) = with(registry());
    let output = Captured::default();
    let told = output.clone();
    let sqs = source(move |inputs, _| async move {
        let (sender, settled) = oneshot::channel();
        let mut batch = found(&call(json!({})).to_string());
        batch.push(Input::Settled(sender));
        batch.push(Input::Broken("the queue: message 7: odd".into()));
        inputs.send(batch).await.unwrap();
        settled.await.unwrap();
        assert!(is_known(&registry, "e1"));
        assert_eq!(told.text().lines().count(), 1);
        Ok(())
    });
    let stderr = Captured::default();
    let (_stopper, stop) = Stop::new();
    let exit = watch.run(vec![sqs], Box::new(output), said(&stderr), stop).await.unwrap();
    assert_eq!(exit, Exit::Incomplete);
    assert!(stderr.text().contains("error: the queue: message 7: odd"), "{}", stderr.text());
}

#[tokio::test]
async fn a_reader_that_has_gone_ends_all_and_settles_nothing() {
    let (watch, registry) = with(registry());
    let sqs = source(|inputs, mut stop| async move {
        let (sender, settled) = oneshot::channel();
        let mut batch = found(&call(json!({})).to_string());
        batch.push(Input::Settled(sender));
        inputs.send(batch).await.unwrap();
        assert!(settled.await.is_err(), "a message would be deleted of which nobody was told");
        stop.told().await;
        Ok(())
    });
    let (_stopper, stop) = Stop::new();
    let ended = watch.run(vec![sqs], Box::new(Closed), said(&Captured::default()), stop).await;
    assert!(matches!(ended, Err(Failure::Incomplete(why)) if why.contains("nobody reads the alerts")));
    assert!(!is_known(&registry, "e1"));
}

#[tokio::test]
async fn a_reader_that_has_gone_is_no_quiet_end_where_another_tools_record_finds_it() {
    let (watch, _) = with(registry());
    let stdin = source(|inputs, _| async move {
        let all = found_in(r#"{"kind":"finding"}"#).into_iter().map(Result::unwrap);
        let batch = all.map(|found| Input::Found { found, source: "stdin", origin: String::new() }).collect();
        inputs.send(batch).await.unwrap();
        Ok(())
    });
    let (_stopper, stop) = Stop::new();
    let ended = watch.run(vec![stdin], Box::new(Closed), said(&Captured::default()), stop).await;
    assert!(matches!(ended, Err(Failure::Incomplete(_))), "what follows it would be read by nobody: {ended:?}");
}

#[tokio::test]
async fn a_registry_that_cannot_be_written_for_a_while_makes_nobody_blind() {
    let (watch, registry) = with(registry());
    let read_only = |registry: &Registry, on: bool| {
        registry.read(|connection| connection.pragma_update(None, "query_only", on)).unwrap();
    };
    read_only(&registry, true);
    let output = Captured::default();
    let told = output.clone();
    let sqs = source(move |inputs, _| async move {
        for (id, source) in [("e1", "203.0.113.9"), ("e1", "203.0.113.9"), ("e2", "203.0.113.10")] {
            let (sender, settled) = oneshot::channel();
            let mut batch = found(&call(json!({"eventID": id, "sourceIPAddress": source})).to_string());
            batch.push(Input::Settled(sender));
            inputs.send(batch).await.unwrap();
            assert!(settled.await.is_err(), "a message would be deleted of which nothing is known");
        }
        assert_eq!(told.text().lines().count(), 2, "{}", told.text());
        read_only(&registry, false);
        loop {
            let (sender, settled) = oneshot::channel();
            inputs.send(vec![Input::Settled(sender)]).await.unwrap();
            if settled.await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(is_known(&registry, "e1") && is_known(&registry, "e2"));
        Ok(())
    });
    let stderr = Captured::default();
    let (_stopper, stop) = Stop::new();
    let exit = watch.run(vec![sqs], Box::new(output.clone()), said(&stderr), stop).await.unwrap();
    // What it answered no to in between may have been given up by whoever asked.
    assert_eq!(exit, Exit::Incomplete);
    assert_eq!(stderr.text().matches("alerts go on").count(), 1, "{}", stderr.text());
    assert!(stderr.text().contains("the registry can be written again"), "{}", stderr.text());
}

#[tokio::test]
async fn what_was_seen_and_never_written_is_no_success() {
    let (watch, registry) = with(registry());
    registry.read(|connection| connection.pragma_update(None, "query_only", true)).unwrap();
    let text = call(json!({})).to_string();
    let local: Box<dyn Source> = Box::new(Local::new(Vec::new(), Box::new(io::Cursor::new(text))));
    let output = Captured::default();
    let (_stopper, stop) = Stop::new();
    let ended = watch.run(vec![local], Box::new(output.clone()), said(&Captured::default()), stop).await;
    assert!(matches!(&ended, Err(Failure::Incomplete(why)) if why.contains("readonly")), "{ended:?}");
    assert!(output.text().contains("\"status\":\"open\""), "{}", output.text());
}

#[tokio::test]
async fn records_of_other_tools_go_through_stdin_and_nothing_else_does() {
    let scope = r#"{"kind":"scope","account":"111122223333","odd":1e999}"#;
    let wrapped = json!({"MessageId": "m", "ReceiptHandle": "h", "Body": r#"{"kind":"task","action":"kill"}"#});
    let text = format!("{scope}\n{}\n{wrapped}\n{{\"hello\":1}}\n{{\"kind\":7}}\n", call(json!({})));
    let (watch, _registry) = with(registry());
    let local: Box<dyn Source> = Box::new(Local::new(Vec::new(), Box::new(io::Cursor::new(text))));
    let (output, stderr) = (Captured::default(), Captured::default());
    let (_stopper, stop) = Stop::new();
    let exit = watch.run(vec![local], Box::new(output.clone()), said(&stderr), stop).await.unwrap();
    let text = output.text();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some(scope), "to the letter");
    assert!(
        lines.all(|line| line.starts_with("{\"kind\":\"alert\"")),
        "whoever sends a message gives no orders: {text}"
    );
    assert_eq!(exit, Exit::Incomplete);
    assert_eq!(stderr.text().matches("no CloudTrail record").count(), 2, "{}", stderr.text());
    assert!(stderr.text().contains("line 5: `kind` is not a string"), "{}", stderr.text());
}

#[tokio::test]
async fn a_source_that_cannot_go_on_ends_the_others() {
    let (watch, registry) = with(registry());
    let broken = source(|_, _| async { Err(Failure::Start("no such queue".into())) });
    let other = source(|inputs, mut stop| async move {
        stop.told().await;
        // What it held is finished.
        inputs.send(found(&call(json!({})).to_string())).await.unwrap();
        Ok(())
    });
    let (_stopper, stop) = Stop::new();
    let ended = watch.run(vec![broken, other], Box::new(Captured::default()), said(&Captured::default()), stop).await;
    assert!(matches!(ended, Err(Failure::Start(why)) if why == "no such queue"));
    assert!(is_known(&registry, "e1"));
}

#[tokio::test]
async fn who_is_told_to_stop_does_so_though_stdin_is_open() {
    /// An input that gives one thing and then waits for ever.
    struct Open(Option<Vec<u8>>);

    impl io::Read for Open {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let Some(text) = self.0.take() else {
                loop {
                    std::thread::park();
                }
            };
            out[..text.len()].copy_from_slice(&text);
            Ok(text.len())
        }
    }

    let (watch, registry) = with(registry());
    let text = format!("{}\n", call(json!({}))).into_bytes();
    let (stopper, stop) = Stop::new();
    let local: Box<dyn Source> = Box::new(Local::new(Vec::new(), Box::new(Open(Some(text)))));
    let output = Captured::default();
    let told = output.clone();
    let stopping = tokio::spawn(async move {
        while told.text().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        stopper.stop();
    });
    let exit = watch.run(vec![local], Box::new(output.clone()), said(&Captured::default()), stop).await.unwrap();
    stopping.await.unwrap();
    assert_eq!(exit, Exit::Done);
    // The incident goes on elsewhere.
    assert_eq!(output.text().lines().count(), 1);
    assert_eq!(registry.open_incidents().unwrap().len(), 1);
}
