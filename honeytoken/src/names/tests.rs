//! Names are many, plausible, and none that a tool knows.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::{NameError, Namer, known_decoy_account, lint};

fn namer(templates: &[&str], words: &[(&str, &[&str])]) -> Result<Namer, NameError> {
    let templates: Vec<String> = templates.iter().map(|&text| text.to_owned()).collect();
    let words: BTreeMap<String, Vec<String>> = words
        .iter()
        .map(|(name, words)| ((*name).to_owned(), words.iter().map(|&word| word.to_owned()).collect()))
        .collect();
    Namer::new(&templates, &words)
}

/// So many names, none twice.
fn names(namer: &Namer, count: usize) -> Vec<String> {
    let taken = RefCell::new(BTreeSet::new());
    (0..count)
        .map(|_| {
            let name = namer.next(|name| taken.borrow().contains(name)).unwrap();
            assert!(taken.borrow_mut().insert(name.to_lowercase()), "{name} was taken");
            name
        })
        .collect()
}

/// A name with each letter, capital and run of digits as one sign: `svc-billing7` is `a-a0`.
fn shape(name: &str) -> String {
    let mut shape: Vec<char> = name
        .chars()
        .map(|character| match character {
            'a'..='z' => 'a',
            'A'..='Z' => 'A',
            '0'..='9' => '0',
            other => other,
        })
        .collect();
    shape.dedup();
    shape.into_iter().collect()
}

#[test]
fn ten_thousand_names_have_many_shapes_and_no_tool_knows_one() {
    let namer = namer(&[], &[]).unwrap();
    let names = names(&namer, 10_000);
    let mut shapes: BTreeMap<String, usize> = BTreeMap::new();
    for name in &names {
        assert_eq!(lint(name, "/"), Vec::<String>::new(), "{name}");
        assert!((1..=64).contains(&name.len()), "{name}");
        assert!(
            name.chars().all(|character| character.is_ascii_alphanumeric() || "_+=,.@-".contains(character)),
            "{name}"
        );
        *shapes.entry(shape(name)).or_default() += 1;
    }
    let most = shapes.values().max().unwrap();
    assert!(*most <= 3_000, "{most} of 10,000 are alike: {shapes:?}");
    assert!(shapes.len() >= 10, "{shapes:?}");
    let beginnings: BTreeSet<_> = names.iter().map(|name| name.split(['-', '_', '.']).next()).collect();
    assert!(beginnings.len() >= 200, "{beginnings:?}");
}

#[test]
fn templates_are_filled_in() {
    let words: &[(&str, &[&str])] = &[("service", &["billing"]), ("site", &["batch-import"]), ("Kept", &["aB"])];
    for (template, expected) in [
        ("svc-{service}-{site}", "svc-billing-batch-import"),
        ("{Service}{Site}", "BillingBatchImport"),
        ("{Kept}+x=1,2@acme.com", "AB+x=1,2@acme.com"),
    ] {
        let namer = namer(&[template], words).unwrap();
        assert_eq!(namer.next(|_| false).unwrap(), expected);
    }
    let all: BTreeSet<_> = names(&namer(&["{n}"], &[]).unwrap(), 9).into_iter().collect();
    assert_eq!(all.into_iter().collect::<String>(), "123456789");
    let all = names(&namer(&["a{nn}"], &[]).unwrap(), 99);
    assert!(all.contains(&"a07".to_owned()) && !all.contains(&"a00".to_owned()));
}

#[test]
fn a_template_that_makes_no_names_is_named() {
    let words: &[(&str, &[&str])] = &[("none", &[]), ("odd", &["a b"]), ("long", &["x"; 1])];
    for (template, expected) in [
        (
            "svc-{colour}",
            "the name template `svc-{colour}`: there are no words `colour` (there are env, first, initial,",
        ),
        ("svc-{none}", "the list `none` in [honeytoken.words] is empty"),
        ("svc-{odd}", "`a b` has a character that IAM takes in no name"),
        ("svc {n}", "`svc ` has a character that IAM takes in no name"),
        ("svc/{n}", "`svc/` has a character that IAM takes in no name"),
        ("svc-{service", "a `{` has no `}`"),
        ("svc-}", "`svc-}` has a character that IAM takes in no name"),
        ("", "it makes no names"),
        (&"x".repeat(65), "it makes names of 65 characters, and IAM takes 64"),
        ("canary-{service}", "`canary` is in its name, so that a thief's tool would know its names"),
    ] {
        let error = namer(&[template], words).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(error.starts_with("the name template `"), "{error}");
    }
}

#[test]
fn when_all_names_are_taken_the_templates_are_named() {
    let namer = namer(&["a{n}", "B{n}"], &[]).unwrap();
    let all: BTreeSet<_> = names(&namer, 18).into_iter().collect();
    assert_eq!(all.len(), 18);
    let error = namer.next(|name| all.contains(name) || all.contains(&name.to_uppercase())).unwrap_err();
    assert!(error.to_string().starts_with("the name templates `a{n}`, `B{n}` can make no more names"), "{error}");
    // `b3` is taken where `B3` is.
    assert_eq!(names(&self::namer(&["{x}"], &[("x", &["b3", "B3"])]).unwrap(), 1).len(), 1);
    let same = self::namer(&["{x}"], &[("x", &["b3", "B3"])]).unwrap();
    assert!(same.next(|name| name == "b3").is_err());
    // Words that tools know are left out.
    let known = self::namer(&["{x}"], &[("x", &["honeypot", "beehive", "bootstrap"])]).unwrap();
    let mut names = names(&known, 2);
    names.sort();
    assert_eq!(names, ["beehive", "bootstrap"]);
    assert!(known.next(|name| name.starts_with('b')).is_err());
}

#[test]
fn what_tools_know_is_told() {
    for (name, path) in [
        ("canarytokens.com@@kz9r8ouqnhve4zs1yi4bzspzz", "/"),
        ("6b5b6f1e8a@canarytokens.org", "/"),
        ("8ecb9a7d2f1c4b6a8d3e5f7091a2b3c4", "/"),
        ("svc-1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed-x", "/"),
        ("inf_ht_0123456789abcdef", "/"),
        ("thumper-canary-7", "/"),
        ("SpaceCrab", "/"),
        ("svc-billing", "/SpaceCrab/"),
        ("svc-billing", "/ggcanary/"),
        ("HoneyBee", "/"),
        ("trapper", "/"),
        ("a@@b", "/"),
        ("svc-deadbeefdeadbeef", "/"),
    ] {
        assert_ne!(lint(name, path), Vec::<String>::new(), "{name} {path}");
    }
    for (name, path) in [
        ("svc-billing-export", "/"),
        ("bootstrap-node", "/"),
        ("deadbeef-build", "/team/"),
        ("mkowalski-cli", "/"),
        ("jenkins-deploy-eu1", "/ci/"),
        ("abcdef01-2345-6789-abcd-0123456789", "/"),
    ] {
        assert_eq!(lint(name, path), Vec::<String>::new(), "{name} {path}");
    }
    assert_eq!(lint("svc", "/SpaceCrab/"), ["`spacecrab` is in its path"]);
}

#[test]
fn accounts_on_public_lists_are_known() {
    for (account, whose) in [
        ("534261010715", Some("Thinkst")),
        ("052310077262", Some("Thinkst")),
        ("044858866125", Some("an unnamed maker of decoys")),
        ("111122223333", None),
    ] {
        assert_eq!(known_decoy_account(&account.parse().unwrap()), whose, "{account}");
    }
}
