//! What is written down is so: schemas, examples of the records, settings, exit codes, the table of checks.
//!
//! `SLUICE_BLESS=1` (`make schemas`) writes anew what is generated, instead of comparing.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use common::action::Action;
use common::exit::Exit;
use common::record::{Alert, Delivery, Finding, LapsedException, Outcome, Resource, Scope, Task, Token, Unsettled};
use common::reference::Reference;
use common::resource::ResourceType;
use common::settings::{Exception, Settings};
use common::with_config;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tests::Tool;
use tests::calls::{NEEDS, REGIONS, VOLUMES};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Compares a generated file with what is committed, or writes it.
fn generated(name: &str, content: &str) {
    if std::env::var_os("SLUICE_BLESS").is_some() {
        std::fs::create_dir_all(root().join(name).parent().unwrap()).unwrap();
        std::fs::write(root().join(name), content).unwrap();
    } else {
        assert!(
            read(name) == content,
            "{name} is not what the code says: run `make schemas` and look at the difference"
        );
    }
}

/// The blocks of a Markdown file that are fenced as `language`.
fn blocks(document: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<String> = None;
    for line in document.lines() {
        open = match (open, line.trim_end()) {
            (Some(block), "```") => {
                blocks.push(block);
                None
            }
            (Some(block), line) => Some(block + line + "\n"),
            (None, line) if line == format!("```{language}") => Some(String::new()),
            (None, _) => None,
        };
    }
    blocks
}

#[test]
fn the_schemas_are_those_of_the_types() {
    let schemas = common::schema::all();
    for (name, schema) in &schemas {
        generated(&format!("schemas/{name}"), &(serde_json::to_string_pretty(schema).unwrap() + "\n"));
    }
    let mut present: Vec<String> = std::fs::read_dir(root().join("schemas"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let mut expected: Vec<String> = schemas.into_iter().map(|(name, _)| name).collect();
    present.sort();
    expected.sort();
    assert_eq!(present, expected, "schemas/ holds what no type has");
}

/// Reads an example as the type that it is an example of, and expects to lose nothing of it.
fn example<T: DeserializeOwned + Serialize>(text: &str) {
    let typed: T = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}:\n{text}"));
    let given: Value = serde_json::from_str(text).unwrap();
    let kept = serde_json::to_value(typed).unwrap();
    lost(&given, &kept, "");
}

/// Fails where something of `given` is not in `kept`.
fn lost(given: &Value, kept: &Value, path: &str) {
    match (given, kept) {
        (Value::Object(given), Value::Object(kept)) => {
            for (name, value) in given {
                let path = format!("{path}.{name}");
                let kept = kept.get(name).unwrap_or_else(|| panic!("the example's {path} is no field of the type"));
                lost(value, kept, &path);
            }
        }
        (Value::Array(given), Value::Array(kept)) if given.len() == kept.len() => {
            given
                .iter()
                .zip(kept)
                .enumerate()
                .for_each(|(at, (given, kept))| lost(given, kept, &format!("{path}[{at}]")));
        }
        _ => assert_eq!(given, kept, "the example's {path} is read as something else"),
    }
}

#[test]
fn the_examples_of_the_records_are_records() {
    let documents = ["docs/records.md", "docs/resources.md"].map(read).concat();
    let mut seen = Vec::new();
    for text in &blocks(&documents, "json") {
        let value: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}:\n{text}"));
        let kind = value["kind"].as_str().unwrap_or("reference");
        let mut name = kind.to_owned();
        match kind {
            "resource" => {
                let kind: ResourceType = value["type"].as_str().unwrap().parse().unwrap();
                with_config!(kind, C => example::<Resource<C>>(text));
                name = format!("resource.{kind}");
            }
            "scope" => example::<Scope>(text),
            "unsettled" => example::<Unsettled>(text),
            "finding" => example::<Finding>(text),
            "task" => example::<Task>(text),
            "outcome" => example::<Outcome>(text),
            "exception" => example::<LapsedException>(text),
            "token" => example::<Token>(text),
            "alert" => example::<Alert>(text),
            "delivery" => example::<Delivery>(text),
            "reference" => drop(Reference::from_json(text).unwrap()),
            other => panic!("the documents have an example of {other}, which no tool knows"),
        }
        seen.push(name);
    }
    for (file, _) in common::schema::all() {
        let name = file.trim_end_matches(".schema.json").to_owned();
        assert!(seen.contains(&name), "no document has an example of {name}");
    }
}

#[test]
fn the_settings_that_are_shown_are_understood() {
    let document = read("docs/settings.md");
    let shown = blocks(&document, "toml");
    assert_eq!(shown.len(), 1);
    let path = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(path.path(), &shown[0]).unwrap();
    let settings = Settings::load(Some(path.path())).unwrap();
    // What the comments call defaults are.
    let defaults = Settings::default().thresholds;
    let shown = settings.thresholds;
    assert_eq!(format!("{shown:?}"), format!("{defaults:?}"));
}

/// The exceptions of an example, which a judge has to take.
fn exceptions(text: &str) -> Vec<Exception> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let exceptions = Exception::load(file.path()).unwrap_or_else(|error| panic!("{error}:\n{text}"));
    let settings = Settings { exceptions: exceptions.clone(), ..Settings::default() };
    // The checks that they name exist.
    let judged = audit::Judge::new(&settings, "2026-11-20T10:00:00Z".parse().unwrap(), None);
    judged.unwrap_or_else(|error| panic!("{error}:\n{text}"));
    exceptions
}

#[test]
fn the_exceptions_that_are_shown_cover_what_they_are_to() {
    let document = read("docs/exceptions.md");
    let streams: Vec<Vec<Exception>> = blocks(&document, "json").iter().map(|text| exceptions(text)).collect();
    assert_eq!(streams.iter().map(Vec::len).collect::<Vec<_>>(), [3]);
    let shown: Vec<Vec<Exception>> = blocks(&document, "toml").iter().map(|text| exceptions(text)).collect();
    let [first, instances, buckets, modules, resources] = &shown[..] else { panic!("other examples: {shown:?}") };
    // What the lists of the original framework covered, and what they did not.
    let resource = |account: &str, kind: &str, id: &str| -> Resource<()> {
        serde_json::from_value(json!({
            "account": account, "region": "eu-west-1", "type": kind, "id": id, "config": null,
            "arn": format!("arn:aws:x:eu-west-1:{account}:{id}"),
        }))
        .unwrap()
    };
    let (ours, theirs, instance) = ("111122223333", "444455556666", "i-0123456789abcdef0");
    let rows = [
        (first, ours, "s3_bucket", "acme-downloads-1", Some("s3_bucket_public_acl"), true),
        (first, ours, "s3_bucket", "acme-downloads-1", Some("s3_bucket_tls"), false),
        (first, ours, "s3_bucket", "acme-downloads-1", None, false),
        (instances, theirs, "ec2", instance, Some("ec2_public_in_dev"), true),
        (instances, theirs, "ec2", instance, Some("ec2_imdsv2"), false),
        (instances, theirs, "ec2", "i-0", Some("ec2_public_in_dev"), false),
        (buckets, ours, "s3_bucket", "acme-www", Some("s3_bucket_tls"), true),
        (buckets, ours, "s3_bucket", "acme-www-2", Some("s3_bucket_tls"), false),
        (modules, ours, "ec2", "i-0", Some("ec2_imdsv2"), true),
        (modules, ours, "ec2", "i-0", None, true),
        (modules, theirs, "ec2", "i-0", None, false),
        (modules, theirs, "iam_user", "jane", Some("iam_user_mfa"), true),
        (resources, theirs, "s3_bucket", "acme-logs", None, true),
        // A region's id was empty, and so was what an empty list held.
        (resources, ours, "region", "eu-west-1", None, false),
    ];
    for (exceptions, account, kind, id, check, covered) in rows {
        let resource = resource(account, kind, id);
        let covers = exceptions.iter().any(|exception| exception.covers(&resource, check));
        assert_eq!(covers, covered, "{account} {kind} {id} {check:?}: {exceptions:?}");
    }
}

#[test]
fn the_whitelist_that_is_shown_covers_what_it_is_to() {
    let shown: [String; 1] = blocks(&read("docs/exceptions.md"), "whitelist").try_into().unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &shown[0]).unwrap();
    let exceptions = Exception::load_whitelist(file.path()).unwrap();
    let covering = |account: &str, arn: &str| -> Vec<String> {
        let resource: Resource<()> = serde_json::from_value(json!({
            "account": account, "region": "eu-west-1", "type": "x", "id": "x", "config": null, "arn": arn,
        }))
        .unwrap();
        let covering = exceptions.iter().filter(|exception| exception.covers(&resource, None));
        covering.map(|exception| exception.reason.clone()).collect()
    };
    let bastion = "arn:aws:ec2:eu-west-1:111122223333:instance/i-0123456789abcdef0";
    assert_eq!(covering("111122223333", bastion), ["the bastion", "no EC2 at all"]);
    assert_eq!(covering("444455556666", "arn:aws:sqs:eu-west-1:444455556666:jobs"), ["not this account"]);
    assert_eq!(covering("444455556666", "arn:aws:s3:::acme"), ["not this account"]);
    assert_eq!(covering("111122223333", "arn:aws:s3:::acme"), [""; 0]);
}

/// Compares what a document has between `<!-- begin NAME -->` and `<!-- end -->`, or writes it.
fn generated_part(document: &str, name: &str, content: &str) {
    let text = read(document);
    let begin = format!("<!-- begin {name} -->\n");
    let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("{document} has no {begin}"));
    let (_, after) = rest.split_once("<!-- end -->").unwrap_or_else(|| panic!("{document}: {name} does not end"));
    generated(document, &format!("{before}{begin}{content}<!-- end -->{after}"));
}

#[test]
fn the_readme_has_the_exit_codes() {
    let mut table = String::from("| code | meaning |\n|---|---|\n");
    for (exit, meaning) in Exit::ALL {
        let _ = writeln!(table, "| {} | {meaning} |", exit.code());
    }
    generated_part("README.md", "exit codes", &table);
}

#[test]
fn the_actions_that_are_listed_are_all() {
    let mut table = String::from("| action | acts on | what it does |\n|---|---|---|\n");
    for (name, kinds, text) in Action::ALL {
        let kinds: Vec<String> = kinds.iter().map(|kind| format!("`{kind}`")).collect();
        let _ = writeln!(table, "| `{name}` | {} | {} |", kinds.join(", "), text.trim());
    }
    generated_part("docs/records.md", "actions", &table);
}

#[test]
fn every_status_of_an_outcome_is_explained() {
    let schemas = common::schema::all();
    let (_, outcome) = schemas.iter().find(|(name, _)| name.starts_with("outcome.")).unwrap();
    let outcome = serde_json::to_value(outcome).unwrap();
    let statuses = outcome["$defs"]["OutcomeStatus"]["oneOf"].as_array().unwrap();
    assert!(statuses.len() > 10, "{statuses:?}");
    let (records, tasks) = (read("docs/records.md"), read("docs/tasks.md"));
    for status in statuses {
        let row = format!("| `{}` |", status["const"].as_str().unwrap());
        assert!(records.contains(&row), "docs/records.md has no {row}");
        let name = row.trim_matches(['|', ' ']);
        assert!(tasks.contains(name), "docs/tasks.md has no {name}");
    }
}

#[test]
fn the_table_of_checks_is_what_audit_prints() {
    let table = Tool::new("audit").args(["--list-checks", "-o", "markdown"]).run().exits(0).stdout;
    generated_part("README.md", "checks", &String::from_utf8(table).unwrap());
}

#[test]
fn the_events_that_are_listed_are_those_that_poll_understands() {
    let listed = Tool::new("poll").args(["--list-events", "-o", "json"]).run().exits(0).records();
    let cell = |row: &Value, field: &str| row[field].as_str().unwrap().to_owned();
    // By service and name: the types, where their ids stand, and the delay.
    let mut events: Vec<(String, String, Vec<[String; 2]>, u64)> = Vec::new();
    for row in &listed {
        let (source, name, what) = (cell(row, "source"), cell(row, "name"), [cell(row, "type"), cell(row, "id")]);
        match events.last_mut().filter(|last| (&last.0, &last.1) == (&source, &name)) {
            Some(last) => last.2.push(what),
            None => events.push((source, name, vec![what], row["delay"].as_u64().unwrap())),
        }
    }
    let mut table =
        String::from("| event source | events | type | where its id stands | delay |\n|---|---|---|---|---|\n");
    for same in events.chunk_by(|a, b| (&a.0, &a.2, a.3) == (&b.0, &b.2, b.3)) {
        let (source, _, types, delay) = &same[0];
        let names: Vec<String> = same.iter().map(|(_, name, ..)| format!("`{name}`")).collect();
        let delay = if *delay == 0 { String::new() } else { format!("{delay} s") };
        for (at, [kind, place]) in types.iter().enumerate() {
            let names = if at == 0 { names.join(" ") } else { "the same".to_owned() };
            let source = source.trim_end_matches(".amazonaws.com");
            let paths = place.split(' ').map(|word| match word.strip_prefix('.') {
                Some(path) => format!("`{path}`"),
                None => word.to_owned(),
            });
            let place = paths.collect::<Vec<_>>().join(" ");
            let _ = writeln!(table, "| `{source}` | {names} | `{kind}` | {place} | {delay} |");
        }
    }
    generated_part("docs/events.md", "events", &table);
    // What is shown of the patterns is so.
    let document = read("docs/events.md");
    let printed = Tool::new("poll").args(["--list-events", "-o", "eventbridge"]).run().exits(0).text();
    let patterns: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for shown in blocks(&document, "json") {
        let shown: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(shown["detail-type"], patterns[0]["detail-type"]);
        assert_eq!(shown["detail"]["errorCode"], patterns[0]["detail"]["errorCode"]);
    }
}

/// The permissions of the policy that a tool prints, save that of asking which regions there are: it is told once.
fn permissions(tool: &str, arguments: &[&str]) -> BTreeSet<String> {
    let ran = Tool::new(tool).args(arguments).arg("--iam-policy").run().exits(0);
    let policy: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let actions = policy["Statement"][0]["Action"].as_array().unwrap();
    let names = actions.iter().map(|name| name.as_str().unwrap().to_owned());
    names.filter(|name| name != "ec2:DescribeRegions").collect()
}

fn listed<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_permissions_that_are_listed_are_those_that_the_tools_print() {
    let look = |kind: ResourceType| permissions("poll", &["-", "--types", kind.name()]);
    let mut types = String::from("| type | to list all | to look at one |\n|---|---|---|\n");
    for kind in ResourceType::ALL.iter().copied().filter(|kind| !poll::look_calls(*kind).is_empty()) {
        let list = permissions("poll", &["--types", kind.name()]);
        let look = look(kind);
        let look = if look == list { "the same".to_owned() } else { listed(&look) };
        let _ = writeln!(types, "| `{kind}` | {} | {look} |", listed(&list));
    }
    let mut actions = String::from("| type | action | permissions |\n|---|---|---|\n");
    for (kind, action, _) in remediate::calls() {
        let all = permissions("remediate", &["--types", kind.name(), "--actions", action]);
        let _ = writeln!(actions, "| `{kind}` | `{action}` | {} |", listed(all.difference(&look(kind))));
    }
    generated_part("docs/permissions.md", "types", &types);
    generated_part("docs/permissions.md", "actions", &actions);
}

#[test]
fn the_calls_that_are_shown_are_those_that_are_counted() {
    let resources: usize = VOLUMES.iter().map(|volume| volume.made.iter().sum::<usize>() + volume.given).sum();
    let made: Vec<String> = VOLUMES
        .iter()
        .map(|volume| format!("{} `{}`", volume.made.iter().sum::<usize>() + volume.given, volume.kind))
        .collect();
    let calls: usize = NEEDS.iter().map(|need| need.count).sum();
    let mut table = format!(
        "{calls} calls for {resources} resources in {} regions ({}):\n\n| type | call | one for each | calls |\n|---|---|---|--:|\n",
        REGIONS.len(),
        made.join(", ")
    );
    for need in NEEDS {
        let kind = need.kind.map_or_else(|| "all".to_owned(), |kind| format!("`{kind}`"));
        let _ = writeln!(table, "| {kind} | `{}` | {} | {} |", need.operation, need.each, need.count);
    }
    generated_part("docs/performance.md", "calls", &table);
}

/// Every Markdown file for people.
fn documents() -> Vec<String> {
    let mut documents = vec!["README.md".to_owned(), "CONTRIBUTING.md".to_owned(), "CHANGELOG.md".to_owned()];
    for entry in std::fs::read_dir(root().join("docs")).unwrap() {
        documents.push(format!("docs/{}", entry.unwrap().file_name().into_string().unwrap()));
    }
    documents
}

#[test]
fn every_document_is_linked_from_the_readme() {
    let readme = read("README.md");
    for document in documents().iter().filter(|document| document.starts_with("docs/")) {
        assert!(readme.contains(&format!("]({document}")), "README.md does not link to {document}");
    }
}

#[test]
fn every_relative_link_leads_somewhere() {
    for document in documents() {
        let text = read(&document);
        let folder = root().join(&document).parent().unwrap().to_owned();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = target.split('#').next().unwrap_or_default();
            if !target.starts_with("http") && !target.is_empty() {
                assert!(folder.join(target).exists(), "{document} links to {target}");
            }
        }
    }
}
