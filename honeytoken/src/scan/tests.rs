//! What is found in texts, whatever others made of them.

use std::io::Read;

use proptest::prelude::*;

use super::{Found, scan};

const ID: &str = "AKIARTX3GSDSQAAAAAAA";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// Ids and candidates, with their lines.
fn all(input: impl Read) -> Vec<(String, u64)> {
    let mut all = Vec::new();
    scan(input, |found, line| {
        let (Found::Id(text) | Found::Candidate(text)) = found;
        all.push((text.to_owned(), line));
    })
    .unwrap();
    all
}

/// One byte a read.
struct Slow<'a>(&'a [u8]);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
        buffer[0] = *first;
        self.0 = rest;
        Ok(1)
    }
}

#[test]
fn both_are_found_in_whatever_they_are_in() {
    let url = |text: &str| text.replace('/', "%2F").replace('+', "%2b");
    let json = |text: &str| text.replace('/', "\\/");
    let html = |text: &str| text.replace('/', "&#x2F;").replace('+', "&#43;");
    let unicode = |text: &str| text.replace('/', "\\u002f").replace('+', "\\u002B");
    let utf_16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    for text in [
        format!("aws_access_key_id = {ID}\naws_secret_access_key = {SECRET}").into_bytes(),
        format!("aws_access_key_id = {ID}\r\naws_secret_access_key={SECRET}\r\n").into_bytes(),
        format!(r#"{{"id":"{ID}","secret":"{}"}}"#, json(SECRET)).into_bytes(),
        format!(r#"{{"log":"id\n{ID}\nsecret:\t{SECRET}\\n"}}"#).into_bytes(),
        format!(r#"{{"id":"\u0022{ID}\u0022","secret":"{}"}}"#, unicode(SECRET)).into_bytes(),
        format!("https://example.com/?k={ID}&s={}", url(SECRET)).into_bytes(),
        format!("Credential%3D{ID}%2F20260101&s=%22{}%22", url(SECRET)).into_bytes(),
        format!("s3://{ID}:{SECRET}@bucket/").into_bytes(),
        format!("<b>{ID}</b> <code>{}</code>", html(SECRET)).into_bytes(),
        format!("'{ID}','{SECRET}'").into_bytes(),
        format!("/home/{ID}/x{SECRET}x").into_bytes(),
        format!("\u{fc}{ID}\u{fc}{SECRET}\u{fc}").into_bytes(),
        utf_16(&format!("\u{feff}set K={ID}\r\nset S={SECRET}\r\n")),
        format!("{}{ID}{} {SECRET}", "x/".repeat(2000), "/x".repeat(2000)).into_bytes(),
    ] {
        for found in [all(text.as_slice()), all(Slow(&text))] {
            let count = |wanted: &str| found.iter().filter(|(text, _)| text == wanted).count();
            assert_eq!((count(ID), count(SECRET)), (1, 1), "{}\n{found:?}", String::from_utf8_lossy(&text));
        }
    }
}

#[test]
fn lines_that_were_wrapped_are_joined() {
    let wide = "x".repeat(60);
    for (text, line) in [
        (format!("first\n{wide} {}\n{}\nlast", &SECRET[..8], &SECRET[8..]), 2),
        (format!("{wide} {}\r\n{}", &SECRET[..39], &SECRET[39..]), 1),
        (format!("s={}\\\n{}\n", &SECRET[..20], &SECRET[20..]), 1),
        (format!("s={}=\r\n{}=\r\n{}\n", &SECRET[..5], &SECRET[5..10], &SECRET[10..]), 1),
    ] {
        assert_eq!(
            all(text.as_bytes()).iter().filter(|found| **found == (SECRET.to_owned(), line)).count(),
            1,
            "{text}"
        );
    }
    let id = format!("{wide} {}\n{}", &ID[..4], &ID[4..]);
    assert_eq!(all(id.as_bytes()).last(), Some(&(ID.to_owned(), 1)));
    // Short lines end where they end.
    let short = format!("s={}\n{}", &SECRET[..20], &SECRET[20..]);
    assert_eq!(all(short.as_bytes()), []);
}

#[test]
fn what_stands_in_something_longer_is_no_id() {
    for text in [format!("{ID}A"), format!("x{ID}"), format!("{ID}a"), ID.to_lowercase(), ID[..19].to_owned()] {
        assert_eq!(all(text.as_bytes()), [], "{text}");
    }
    assert_eq!(all(&b""[..]), []);
    // A coded file is no place to look for forty characters in.
    assert_eq!(all("QUJD".repeat(10_000).as_bytes()), []);
}

#[test]
fn a_coded_file_that_was_wrapped_is_one_and_what_stands_around_it_is_not() {
    for width in [64, 76, 512] {
        let coded = format!("{}\n", "QUJD".repeat(width / 4)).repeat(2000);
        let found = all(coded.as_bytes()).len();
        assert!(found < 1000, "{width}: {found} candidates in {} characters", coded.len());
        for text in [
            format!("{SECRET}\n{coded}{ID}"),
            format!("{coded}{SECRET}\n{ID}\n"),
            format!("{coded}x={SECRET}\n{ID} {coded}"),
            format!("{coded}QUI=\n{SECRET}\n{coded}\n{ID}"),
        ] {
            let found = all(text.as_bytes());
            for wanted in [ID, SECRET] {
                assert!(found.iter().any(|(text, _)| text == wanted), "{width}: {wanted}");
            }
        }
    }
    // As many secrets as one likes, each on a line of its own, are none.
    let list = format!("{SECRET}\n").repeat(1000);
    assert_eq!(all(list.as_bytes()).len(), 1000);
}

#[test]
fn the_line_is_the_one_on_which_it_starts() {
    let text = format!("\n\n{ID}\n{SECRET} {ID}");
    assert_eq!(all(text.as_bytes()), [(ID.to_owned(), 3), (SECRET.to_owned(), 4), (ID.to_owned(), 4)]);
}

proptest! {
    #[test]
    fn an_id_is_found_once_wherever_it_stands(
        before in "[ -~\n]{0,1500}", left in "[ .:;,\"']", right in "[ .:;,\"']", behind in "[ -~\n]{0,600}",
    ) {
        // Nothing around it can swallow it: `\` and `%` could.
        let before = before.replace(['\\', '%', '&'], "-");
        let text = format!("{before}{left}{ID}{right}{behind}");
        let line = 1 + before.matches('\n').count() as u64;
        let found = all(text.as_bytes());
        prop_assert_eq!(found.iter().filter(|found| **found == (ID.to_owned(), line)).count(), 1);
        prop_assert_eq!(found, all(Slow(text.as_bytes())));
    }

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
        all(bytes.as_slice());
    }
}
