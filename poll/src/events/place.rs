//! Where the ids stand in a record: the words of which the table is made.
//!
//! Paths are those of the record, as `jq` takes them: `.requestParameters.bucketName`, `...items[].instanceId`. What AWS
//! spells now this way and now that is looked for whatever its letters' case, and in the object named after the call into
//! which EC2's newer calls put all they have (`ModifySecurityGroupRulesRequest`).

use std::fmt::Write as _;

use common::resource::ResourceType;
use serde_json::Value;

use super::Question;

/// Calls of one service that change the same things.
pub(super) struct Events {
    /// The service: its event source without `.amazonaws.com`.
    pub(super) service: &'static str,
    /// The calls.
    pub(super) names: &'static [&'static str],
    /// What they change.
    pub(super) changes: &'static [Change],
    /// How long AWS takes, in seconds, until a look is worth while.
    pub(super) delay: u16,
}

/// Calls that can be looked at at once.
pub(super) const fn calls(service: &'static str, changes: &'static [Change], names: &'static [&'static str]) -> Events {
    Events { service, names, changes, delay: 0 }
}

impl Events {
    /// The same, with some time for AWS.
    pub(super) const fn after(self, delay: u16) -> Self {
        Self { delay, ..self }
    }
}

/// A type of which a call changes resources, and where their ids stand.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) kind: ResourceType,
    pub(super) place: Place,
    pub(super) need: Need,
}

/// Whether a record has to have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Always.
    Always,
    /// Only the first of these that a record has counts, and one of them it has to have.
    Either,
    /// It may be absent.
    Maybe,
}

/// Where ids stand.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// At the first of these paths that the record has: an ARN, a name, an id, whatever the API takes.
    At(Paths),
    /// The same, among the ids or ARNs of other types, which are left out.
    Among(Paths),
    /// What belongs to an ECS cluster, and may belong to a service.
    InCluster {
        /// Where it stands itself.
        at: Paths,
        /// Where the service does.
        service: Option<&'static str>,
    },
    /// The user named there, or else the one that called.
    User(Paths),
    /// The account, where it was its root user that called.
    IfRoot,
    /// The record's own account or region.
    Own,
    /// What AWS answers when asked about what stands there.
    Ask(Paths, fn(String) -> Question),
    /// What AWS answers, whatever the record says.
    AskAll(fn() -> Question),
}

/// Paths in a record, of which the first that there is counts.
pub(super) type Paths = &'static [&'static str];

/// It is always at the first of these paths that there is.
pub(super) const fn at(kind: ResourceType, paths: Paths) -> Change {
    Change { kind, place: Place::At(paths), need: Need::Always }
}

/// It may be at the first of these paths that there is.
pub(super) const fn maybe(kind: ResourceType, paths: Paths) -> Change {
    Change { kind, place: Place::At(paths), need: Need::Maybe }
}

/// Ids or ARNs of this type are among those at the first of these paths.
pub(super) const fn among(kind: ResourceType, paths: Paths) -> Change {
    Change { kind, place: Place::Among(paths), need: Need::Always }
}

/// It is there, or where the next one says.
pub(super) const fn either(kind: ResourceType, paths: Paths) -> Change {
    Change { kind, place: Place::At(paths), need: Need::Either }
}

/// AWS knows, from what stands there.
pub(super) const fn asked(kind: ResourceType, paths: Paths, question: fn(String) -> Question) -> Change {
    Change { kind, place: Place::Ask(paths, question), need: Need::Always }
}

/// AWS knows, whatever the record says.
pub(super) const fn asked_for_all(kind: ResourceType, question: fn() -> Question) -> Change {
    Change { kind, place: Place::AskAll(question), need: Need::Always }
}

/// The record's own account or region.
pub(super) const fn own(kind: ResourceType) -> Change {
    Change { kind, place: Place::Own, need: Need::Always }
}

impl Change {
    /// The same, as one of several places.
    pub(super) const fn or_else(self) -> Self {
        Self { need: Need::Either, ..self }
    }
}

/// The clusters of ECS stand here; without one it is the cluster `default`.
pub(super) const CLUSTER: &str = "requestParameters.cluster";

impl Place {
    /// The place in a few words: `.requestParameters.bucketName`.
    pub(super) fn words(&self) -> String {
        match self {
            Self::At(paths) | Self::Among(paths) => all(paths),
            Self::InCluster { at, service } => {
                let mut words = all(at);
                if let Some(service) = service {
                    let _ = write!(words, " in .{service}");
                }
                let _ = write!(words, " in .{CLUSTER}");
                words
            }
            Self::User([]) => "the caller".to_owned(),
            Self::User(paths) => format!("{} or the caller", all(paths)),
            Self::IfRoot => "the account, where the caller is its root user".to_owned(),
            Self::Own => "the event's own".to_owned(),
            Self::Ask(paths, question) => question(all(paths)).to_string(),
            Self::AskAll(question) => question().to_string(),
        }
    }
}

/// Some paths in words.
fn all(paths: Paths) -> String {
    paths.iter().map(|path| format!(".{path}")).collect::<Vec<_>>().join(" or ")
}

/// The two parts of a record in which ids stand, read.
pub(super) struct Parts {
    /// The call's name, after which EC2 names objects.
    call: String,
    request: Value,
    response: Value,
}

impl Parts {
    pub(super) fn new(call: &str, request: Value, response: Value) -> Self {
        Self { call: call.to_owned(), request, response }
    }

    /// What stands at the first of these paths that there is. A list that is empty is there, and holds nothing.
    pub(super) fn at(&self, paths: Paths) -> Option<Vec<&str>> {
        paths.iter().find_map(|path| self.texts(path))
    }

    /// What stands at a path.
    pub(super) fn texts(&self, path: &str) -> Option<Vec<&str>> {
        let (part, path) = path.split_once('.')?;
        let (root, wrapper) = match part {
            "requestParameters" => (&self.request, "Request"),
            _ => (&self.response, "Response"),
        };
        // Now and then a part is a text.
        let members = root.as_object()?;
        let wrapped = members.get(&format!("{}{wrapper}", self.call));
        let mut found = None;
        walk(wrapped.unwrap_or(root), path, &mut found);
        found
    }
}

/// Goes down a path, into all elements of each list on the way, and takes down the texts at its end.
fn walk<'v>(value: &'v Value, path: &str, found: &mut Option<Vec<&'v str>>) {
    if let Value::Array(elements) = value {
        if elements.is_empty() {
            found.get_or_insert_default();
        }
        for element in elements {
            walk(element, path, found);
        }
        return;
    }
    if path.is_empty() {
        // EC2's newer calls write a list's element as an object with its number.
        let text = value.as_str().or_else(|| member(value, "content")?.as_str());
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            found.get_or_insert_default().push(text);
        }
        return;
    }
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let first = first.trim_end_matches("[]");
    // They also call a list's elements `item`.
    let next = member(value, first).or_else(|| member(value, first.strip_suffix('s').filter(|one| *one == "item")?));
    if let Some(next) = next {
        walk(next, rest, found);
    }
}

/// The member of an object that has this name, whatever the case of its letters: `dBInstanceIdentifier`, `InstanceId`.
fn member<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let members = value.as_object()?;
    let same = |(_, value): (&'v String, &'v Value)| value;
    members.get(name).or_else(|| members.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(same))
}
