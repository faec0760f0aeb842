//! From a digest, or an alert, to the texts of its messages, within the limits of whoever has to take them.

pub(crate) mod html;
pub(crate) mod json;
mod pack;
mod room;
pub(crate) mod slack;
pub(crate) mod text;

use crate::digest::Digest;

pub(crate) use pack::{Footer, Part, Piece, Sink, TITLES, continued, pack};

/// How to put things back. The key is left for the reader to fill in: a key holds names that strangers chose, and what
/// stands ready to be pasted into a shell must not.
const UNDO: &str = "jq -c 'select(.key == \"KEY\" and .undo).undo' outcomes.ndjson | remediate --apply";

/// How to except something; what is in capitals is left for the reader for the same reason. As it stands, no tool takes
/// it: there is no such check.
const EXCEPT: &str = "\
[[exceptions]]
check = \"CHECK\"
arn = \"ARN\"
reason = \"WHY\"";

/// How to undo and how to except, under a digest that tells of what can be.
fn how_to(digest: &Digest) -> impl Iterator<Item = Footer> {
    let undo = digest.entries().any(|entry| entry.undo).then(|| Footer {
        text: "To put one thing back, with its key (from the outcomes or the delivery record) for KEY:".to_owned(),
        code: Some(UNDO),
    });
    let except = digest.entries().any(|entry| entry.heading.can_be_excepted()).then(|| Footer {
        text:
            "To except one, put this into the settings with its check, its ARN (* is any text) and why. What has the \
            tag sluice:protect is told of, and not touched."
                .to_owned(),
        code: Some(EXCEPT),
    });
    undo.into_iter().chain(except)
}
