//! Workers that end before their time, and workers that share.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tests::stage::{NOW, text};
use tests::{Emulator, Proxy, Verdict, on};

use crate::{Jobs, PATIENCE, Service, ids, sorted, until};

/// Looks that take their time, so that there is a middle of the work.
fn slow(time: u64) -> Proxy {
    Proxy::new(Emulator::shared()).delay("ec2:DescribeSecurityGroups", Duration::from_millis(time))
}

#[test]
fn a_signal_finishes_what_is_held_and_gives_back_the_rest() {
    for signal in ["TERM", "INT"] {
        let jobs = Jobs::new(100, 600);
        jobs.send_all();
        let proxy = slow(1500);
        let service = Service::start(&jobs.through(&proxy).worker());
        until("it looks", || proxy.count("ec2:DescribeSecurityGroups") > 0);
        // By now it has received some that it has not begun.
        until("it is full", || proxy.count("sqs:ReceiveMessage") >= 8);
        service.signal(signal);
        let (code, written, stderr) = service.end();
        assert_eq!(code, Some(0), "{stderr}");
        let written: BTreeSet<String> = written.into_iter().collect();
        assert!(!written.is_empty() && written.len() < 100, "{} of 100\n{stderr}", written.len());
        // Nothing is held any more: what was written has gone, all else can be received at once.
        let [visible, held, _] = jobs.count();
        assert_eq!((visible, held), (100 - written.len() as u64, 0), "{signal}: {stderr}");
        let rest = jobs.once().run().exits(0);
        assert_eq!(sorted(written.into_iter().chain(ids(&rest))), sorted(jobs.groups.clone()));
    }
}

#[test]
fn whatever_kills_a_worker_each_message_is_answered() {
    let jobs = Jobs::new(40, 2);
    jobs.send_all();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut records = Vec::new();
    for pause in [300, 900, 1500, 2100] {
        if jobs.count() == [0, 0, 0] {
            break;
        }
        // Some are done at once, others not for a long time: whenever it is killed, it is in the middle.
        let number = AtomicU64::new(0);
        let proxy = Proxy::new(Emulator::shared()).rule("ec2:DescribeSecurityGroups", move |_| {
            thread::sleep(Duration::from_millis(number.fetch_add(1, Ordering::SeqCst) % 10 * 500));
            Verdict::Pass
        });
        let mut command = jobs.through(&proxy).worker().command();
        let mut worker =
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null()).spawn().unwrap();
        until("it looks", || proxy.count("ec2:DescribeSecurityGroups") > 0);
        thread::sleep(Duration::from_millis(pause));
        worker.kill().unwrap();
        let mut lines = BufReader::new(worker.stdout.take().unwrap());
        let mut line = String::new();
        // The last line may be cut off.
        while lines.read_line(&mut line).unwrap() > 0 && line.ends_with('\n') {
            let record: Value = serde_json::from_str(&line).unwrap();
            if record["kind"] == "resource" {
                seen.insert(text(&record["id"]));
                records.push(record);
            }
            line.clear();
        }
        worker.wait().unwrap();
    }
    // The emulator hands messages to receives of the dead, too: they come when that is over.
    until("all is deleted", || {
        let rest = jobs.once().run().exits(0);
        seen.extend(ids(&rest));
        records.extend(rest.kind("resource"));
        jobs.count() == [0, 0, 0]
    });
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), sorted(jobs.groups.clone()), "each message is seen");

    // The findings are those of a sweep.
    let findings = |input: Vec<u8>| -> BTreeSet<String> {
        let audited = jobs.account.tool("audit").args(["--now", NOW, "--passed"]).stdin(input).run().exits(0);
        audited.kind("finding").iter().map(|it| format!("{} {}", text(&it["key"]), text(&it["status"]))).collect()
    };
    let references: String = jobs.groups.iter().map(|group| jobs.reference(group) + "\n").collect();
    let plain = jobs.account.tool("poll").arg("-").stdin(references).run().exits(0);
    assert_eq!(findings(tests::ndjson(&records)), findings(plain.stdout));
}

#[test]
fn two_workers_share_a_queue() {
    let jobs = Jobs::new(120, 600);
    jobs.send_all();
    let proxy = slow(300);
    let workers = [0, 1].map(|_| Service::start(&jobs.through(&proxy).once()));
    let [one, other] = workers.map(Service::end);
    assert_eq!((one.0, other.0), (Some(0), Some(0)), "{}\n{}", one.2, other.2);
    assert!(!one.1.is_empty() && !other.1.is_empty(), "{} and {}", one.1.len(), other.1.len());
    // A queue may hand out a message twice, to two at once: SQS promises at least once, and the emulator keeps to that.
    let seen: BTreeSet<String> = one.1.into_iter().chain(other.1).collect();
    assert_eq!(seen, jobs.groups.iter().cloned().collect(), "each is looked at");
    assert_eq!(jobs.count(), [0, 0, 0]);
}

#[test]
fn nothing_is_deleted_that_nobody_reads() {
    let jobs = Jobs::new(30, 600);
    jobs.send_all();
    let proxy = slow(500);
    let mut service = Service::start(&jobs.through(&proxy).worker());
    until("it looks", || proxy.count("ec2:DescribeSecurityGroups") > 0);
    drop(service.0.stdout.take());
    let status = service.0.wait().unwrap();
    assert!(status.success(), "a closed pipe is a quiet end: {status}");
    assert_eq!(jobs.count(), [30, 0, 0], "all of it can be received at once");
}

#[test]
fn a_look_that_hangs_keeps_its_message_from_others() {
    let jobs = Jobs::new(1, 3);
    jobs.send_all();
    let proxy =
        Proxy::new(Emulator::shared()).delay(on("ec2:DescribeSecurityGroups").first(1), Duration::from_secs(12));
    let slow = Service::start(&jobs.through(&proxy).once());
    until("it looks", || proxy.count("ec2:DescribeSecurityGroups") == 1);
    // Far beyond the visibility time-out there is nothing to be received.
    let began = std::time::Instant::now();
    while began.elapsed() < Duration::from_secs(8) {
        assert_eq!(jobs.count()[0], 0, "after {:?}", began.elapsed());
        thread::sleep(Duration::from_millis(300));
    }
    assert!(proxy.count("sqs:ChangeMessageVisibilityBatch") >= 2, "{:?}", proxy.counts());
    let (code, written, stderr) = slow.end();
    assert_eq!((code, written), (Some(0), jobs.groups.clone()), "{stderr}");
    assert_eq!(jobs.count(), [0, 0, 0]);
    assert!(began.elapsed() < PATIENCE);
}
