//! Bad input into the real tools: it is named with its line, all the rest is processed, the exit code is 3. Nothing is
//! lost, nothing panics, and nothing that a stranger wrote reaches a terminal raw. What is well-formed and wrong all the
//! same stands in `misfits.rs`.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::process::Stdio;
use std::thread;

use serde_json::json;
use tests::filter::{FILTERS, Filter, USERS, account, around, commands, is_calm, line};

/// Holds a tool to naming the rubbish in exactly these words, and to losing nothing around it.
fn named(filter: Filter, rubbish: &[u8], said: &str) {
    let ran = filter.tool().stdin(around(filter, rubbish)).run();
    is_calm(&ran);
    assert_eq!(filter.complaints(&ran), [said], "{ran}");
    assert_eq!(filter.answered(&ran), [1, 2, 3], "{ran}");
    assert_eq!(ran.code(), 3, "{ran}");
}

#[test]
fn what_is_no_record_is_named_with_its_line_and_costs_no_other() {
    let deep = [&b"{\"a\":".repeat(200)[..], b"1", &b"}".repeat(200)].concat();
    let long = [b"{\"kind\":\"finding\",\"title\":\"".as_slice(), &b"x".repeat(17 << 20), b"\"}"].concat();
    let utf16: Vec<u8> = "{\"kind\":\"x\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let rows: &[(&[u8], &str)] = &[
        (b"nonsense", "line 2: expected a JSON object, found `n` (column 1)"),
        (b"<html>403</html>", "line 2: expected a JSON object, found `<` (column 1)"),
        (b"kind: resource\naccount: 1", "lines 2-3: expected a JSON object, found `k` (line 2, column 1)"),
        (b"// a comment", "line 2: expected a JSON object, found `/` (column 1)"),
        (b"17", "line 2: a record is a JSON object, this is a number"),
        (b"\"text\"", "line 2: a record is a JSON object, this is a string"),
        (b"null", "line 2: a record is a JSON object, this is null"),
        (b"[1, true, \"x\"]", "line 2: a record is a JSON object, this is a number"),
        (b"]", "line 2: expected a JSON object, found `]` (column 1)"),
        (b"}", "line 2: expected a JSON object, found `}` (column 1)"),
        (
            b"{\"kind\":\"finding\",\"key\":\"a",
            "line 2: expected the closing quote of a string, found the end of the line (column 27)",
        ),
        (b"{\"kind\":\"finding\",", "line 2: cut off: a new value starts before this one ends"),
        (b"{\"kind\":\"finding\",\"undo\":", "line 2: cut off: a new value starts before this one ends"),
        (b"{\"a\":[", "line 2: cut off: a new value starts before this one ends"),
        (b"{\"kind\":\"x\",}", "line 2: expected a key, found `}` (column 13)"),
        (b"{'kind':'x'}", "line 2: expected a key or `}`, found `'` (column 2)"),
        (b"{\"kind\":\"x\",\"n\":NaN}", "line 2: expected a value, found `N` (column 17)"),
        (b"{\n  \"kind\": \"finding\",\n  \"key\": \n}", "lines 2-5: expected a value, found `}` (line 5, column 1)"),
        (&deep, "line 2: nested deeper than 127 levels (column 636)"),
        (&b"[".repeat(300), "line 2: nested deeper than 127 levels (column 128)"),
        (b"{\"kind\":\"x\",\"name\":\"caf\xe9\"}", "line 2: not UTF-8 (column 24)"),
        (&utf16, "line 2: expected a key or `}`, found byte 0x00 (column 2)"),
        (b"\0\0\0", "line 2: expected a JSON object, found byte 0x00 (column 1)"),
        (b"\x1b[2J\x1b]0;x\x07", "line 2: expected a JSON object, found byte 0x1b (column 1)"),
        (b"{\"kind\":\"x\x1b[2J\"}", "line 2: expected the closing quote of a string, found byte 0x1b (column 11)"),
        (&long, "line 2: longer than 16 MiB"),
        (b"{\"kind\":7}", "line 2: `kind` is not a string"),
        (b"{\"kind\":[\"finding\"]}", "line 2: `kind` is not a string"),
        (b"{\"kind\":\"\\ud800\"}", "line 2: unexpected end of hex escape"),
    ];
    for filter in FILTERS {
        for (rubbish, said) in rows {
            named(filter, rubbish, said);
        }
    }
}

/// The whole input in another coding, or with other line ends.
#[test]
fn the_whole_input_in_another_coding_is_read_or_named() {
    for filter in FILTERS {
        let text: String = (1..=3).map(|number| filter.valid(number).to_string() + "\n").collect();
        let second = format!("\u{feff}{}\u{feff}{text}", filter.valid(4).to_string() + "\r\n");
        for (input, answered) in [
            (text.replace('\n', "\r\n"), vec![1, 2, 3]),
            (text.replace('\n', ""), vec![1, 2, 3]),
            (format!("\u{feff}{text}"), vec![1, 2, 3]),
            (second, if filter == Filter::Notify { vec![1, 2, 3, 4] } else { vec![4, 1, 2, 3] }),
            (String::new(), Vec::new()),
            ("\n \r\n\n".to_owned(), Vec::new()),
        ] {
            let ran = filter.tool().stdin(input).run().exits(0);
            is_calm(&ran);
            assert_eq!(filter.answered(&ran), answered, "{ran}");
            assert!(!ran.stderr.contains("error"), "{ran}");
        }
        let marked = format!("\u{feff}{text}");
        let utf16 = |text: &str, bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        for (input, said) in [
            (utf16(&marked, u16::to_le_bytes), "line"),
            (utf16(&marked, u16::to_be_bytes), "line"),
            (utf16(&text, u16::to_le_bytes), "found byte 0x00 (line 1, column 2)"),
        ] {
            let ran = filter.tool().stdin(input).run().exits(3).says(said);
            is_calm(&ran);
            assert!(said != "line" || ran.stderr.contains("is UTF-16: convert it to UTF-8 first"), "{ran}");
            assert_eq!(filter.answered(&ran), [0; 0]);
        }
    }
}

#[test]
fn an_input_that_cannot_be_read_is_no_empty_one() {
    for filter in FILTERS {
        let tool = filter.tool();
        let output = tool.command().stdin(File::open("/").unwrap()).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{stderr}");
        assert!(stderr.contains("cannot read the input") && stderr.contains("directory"), "{stderr}");
        assert!(output.stdout.is_empty());
    }
}

/// The most memory that a process had so far, in MB.
#[cfg(target_os = "linux")]
fn peak(process_id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process_id}/status")).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(peak.trim().trim_end_matches(" kB").parse::<u64>().ok()? / 1000)
}

#[cfg(target_os = "linux")]
#[test]
fn a_line_of_200_mb_is_named_and_takes_no_memory() {
    const SIZE: usize = 200_000_000;
    let shapes: [(&str, &str, &str); 3] = [
        ("{\"kind\":\"finding\",\"title\":\"", "x", "\"}"),
        ("{\"kind\":\"finding\",\"evidence\":[", "[{\"a\":1}],", "0]}"),
        ("what is ", "no JSON ", "at all"),
    ];
    for (index, filter) in FILTERS.into_iter().enumerate() {
        // One shape for each tool is enough, and all of them for one: the reader is the same.
        let shapes = if index == 0 { shapes.to_vec() } else { vec![shapes[(index - 1) % shapes.len()]] };
        for (start, middle, end) in shapes {
            let tool = filter.tool();
            let mut command = tool.command();
            let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = pipes.spawn().unwrap();
            let mut stdin = child.stdin.take().unwrap();
            let writer = thread::spawn(move || {
                let chunk = middle.repeat((1 << 20) / middle.len());
                stdin.write_all(&line(&filter.valid(1))).unwrap();
                stdin.write_all(start.as_bytes()).unwrap();
                for _ in 0..SIZE / chunk.len() {
                    stdin.write_all(chunk.as_bytes()).unwrap();
                }
                stdin.write_all(format!("{end}\n").as_bytes()).unwrap();
                stdin.write_all(&line(&filter.valid(2))).unwrap();
                stdin.write_all(&line(&filter.valid(3))).unwrap();
                stdin
            });
            let output = drain(child.stdout.take().unwrap());
            let stderr = drain(child.stderr.take().unwrap());
            let stdin = writer.join().unwrap();
            // All but what a pipe holds was read, and the tool waits for more: what it ever had for this line it has had.
            let megabytes = peak(child.id()).expect("VmHWM in /proc");
            drop(stdin);
            assert!(megabytes < 100, "{} took {megabytes} MB", filter.name());
            let (output, stderr) = (output.join().unwrap().unwrap(), stderr.join().unwrap().unwrap());
            assert_eq!(child.wait().unwrap().code(), Some(3), "{stderr}");
            let cause = if start.starts_with('{') { "longer than 16 MiB" } else { "expected a JSON object" };
            let said = stderr.lines().find(|line| line.contains(": error: line 2: "));
            assert!(said.is_some_and(|said| said.contains(cause)), "{stderr}");
            assert!((1..=3).all(|number| output.contains(&format!("r{number}\""))), "{output}");
            assert!(!stderr.contains("panicked"), "{stderr}");
        }
    }
}

/// Reads to the end beside the test, so that nobody waits for anybody.
#[cfg(target_os = "linux")]
fn drain(mut from: impl Read + Send + 'static) -> thread::JoinHandle<io::Result<String>> {
    thread::spawn(move || {
        let mut text = String::new();
        from.read_to_string(&mut text)?;
        Ok(text)
    })
}

#[test]
fn names_from_strangers_do_not_reach_a_terminal_raw() {
    let nasty = "a\u{1b}[2J\u{1b}]0;x\u{7}b\u{9b}31mc\u{202e}d\u{2066}e\u{61c}f\u{7f}g\u{0}h\r\ni\tj\u{8}k";
    let mut input = Vec::new();
    for kind in ["iam_user", nasty] {
        let mut record = Filter::Audit.valid(1);
        record["type"] = json!(kind);
        record["id"] = json!(nasty);
        record["tags"] = json!({nasty: nasty});
        record["unread"] = json!([{"field": "MfaActive", "operation": nasty, "code": nasty}]);
        input.extend(line(&record));
        record.as_object_mut().unwrap().shift_remove("unread");
        input.extend(line(&record));
    }
    let error = json!({"operation": nasty, "code": nasty, "message": nasty});
    let account = account().id();
    input.extend(line(&json!({
        "kind": "scope", "account": account, "region": "eu-west-1", "type": nasty, "status": "failed", "error": error,
    })));
    let ran = Filter::Audit.tool().args(["-o", "table", "-v"]).stdin(input.clone()).run().exits(3);
    is_calm(&ran);
    assert_eq!(commands(&ran.text()), [' '; 0], "{ran}");
    let shown = "a?[2J?]0;x?b?31mc?d?e?f?g?h";
    assert!(ran.text().contains(shown) && ran.stderr.contains(shown), "{ran}");
    for line in ran.text().lines() {
        assert!(!line.starts_with("ij?k"), "a line break in a name is no new row: {ran}");
    }

    // The same as findings, to those who act and who tell.
    let findings = Filter::Audit.tool().stdin(input).run().exits(3);
    for filter in [Filter::Remediate, Filter::Notify] {
        let ran = filter.tool().arg("-v").stdin(findings.stdout.clone()).run();
        is_calm(&ran);
        assert!(ran.records().len() > 1, "{ran}");
    }
}

#[test]
fn a_text_of_a_megabyte_fits_into_what_people_read() {
    let long = "x".repeat(1 << 20);
    // What a CloudTrail record has beside its own fields is nobody's business.
    for filter in FILTERS.into_iter().filter(|filter| *filter != Filter::Watch) {
        let mut input = Vec::new();
        for field in ["id", "account", "region", "type", "title", "key", "tags", "arn", "severity", "config", "action"]
        {
            let mut record = filter.valid(4);
            record[field] = json!(long);
            input.extend(line(&record));
        }
        let ran = filter.tool().stdin(around(filter, &input)).run().exits(3);
        is_calm(&ran);
        let answered = filter.answered(&ran);
        assert!([1, 2, 3].iter().all(|number| answered.contains(number)), "{}", ran.stderr);
        if filter == Filter::Notify {
            let longest = ran.records().iter().map(|record| record["payload"].to_string().len()).max();
            assert!(longest < Some(300_000), "{longest:?}");
        }
    }
}

/// Numbers that look random and are the same in each run (xorshift, Marsaglia 2003).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        for (left, shift) in [(true, 13), (false, 7), (true, 17)] {
            self.0 ^= if left { self.0 << shift } else { self.0 >> shift };
        }
        usize::try_from(self.0 % limit as u64).unwrap_or_default()
    }

    /// One line that is no record.
    fn rubbish(&mut self, filter: Filter) -> Vec<u8> {
        let whole = filter.valid(9999).to_string().into_bytes();
        match self.below(6) {
            0 => whole[..=self.below(whole.len() - 1)].to_vec(),
            1 => whole[1 + self.below(whole.len() - 1)..].to_vec(),
            2 => (0..=self.below(80))
                .map(|_| u8::try_from(self.below(255)).unwrap_or_default().max(1))
                .filter(|b| !b"\n".contains(b))
                .chain(*b"~")
                .collect(),
            3 => {
                let mut broken = whole;
                let at = 1 + self.below(broken.len() - 2);
                broken.insert(at, b'\x01');
                broken
            }
            4 => b"[{\"a\":".repeat(1 + self.below(100)),
            _ => [b"}", &whole[..]].concat(),
        }
    }
}

#[test]
fn no_record_of_a_long_stream_is_lost_to_rubbish_in_it() {
    for filter in FILTERS {
        // Each reference is looked up, and only as many users are there.
        let count = if filter == Filter::Poll { USERS } else { 2000 };
        for seed in [1, 20_261_120, 0xDEAD_BEEF] {
            let mut dice = Dice(seed);
            let mut lines: Vec<(bool, Vec<u8>)> =
                (1..=count).map(|number| (true, line(&filter.valid(number)))).collect();
            for _ in 0..50 {
                let at = dice.below(lines.len() + 1);
                lines.insert(at, (false, [dice.rubbish(filter), b"\n".to_vec()].concat()));
            }
            let input: Vec<u8> = lines.iter().flat_map(|(_, line)| line.clone()).collect();
            let ran = filter.tool().stdin(input).run().exits(3);
            is_calm(&ran);
            let expected: Vec<usize> = (1..=count).collect();
            let mut answered = filter.answered(&ran);
            assert!(answered == expected, "{} seed {seed}: {answered:?}\n{}", filter.name(), ran.stderr);
            answered.dedup();
            assert_eq!(answered.len(), count);
            let mut named = vec![false; lines.len() + 1];
            for complaint in filter.complaints(&ran) {
                let place = complaint.split_once(": ").unwrap().0;
                let numbers: Vec<usize> = place
                    .trim_start_matches("lines")
                    .trim_start_matches("line")
                    .trim()
                    .split('-')
                    .map(|it| it.parse().unwrap())
                    .collect();
                named[numbers[0]..=*numbers.last().unwrap()].fill(true);
            }
            for (index, (valid, line)) in lines.iter().enumerate() {
                let text = String::from_utf8_lossy(line);
                assert_eq!(named[index + 1], !valid, "seed {seed}, line {}: {text:.200}\n{}", index + 1, ran.stderr);
            }
        }
    }
}
