//! SpaceCrab's table of tokens, as its backups have it: a CSV with a header. It holds secrets in plain text, so that no message
//! quotes a cell; those that are named are key ids and ARNs that were found to be such.

use std::collections::BTreeMap;

use common::arn::Arn;
use common::clock;
use common::id::{AccountId, Region};
use common::record::{Guard, KeyStatus, Token, TokenKey, TokenKind, TokenState};
use common::resource::ResourceType;
use csv::{ByteRecord, ReaderBuilder};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::{is_key_id, is_user, moment};
use crate::secret::Secret;

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// The tokens, each with the lines that it is from, and its keys' secrets.
    pub(super) tokens: Vec<(String, Token, BTreeMap<String, Secret>)>,
    /// Lines that are no rows, and why.
    pub(super) complaints: Vec<(u64, String)>,
    /// What a person should know.
    pub(super) remarks: Vec<String>,
}

/// A row: one key of a user.
#[derive(Debug)]
struct Row {
    line: u64,
    key: TokenKey,
    secret: Option<Secret>,
    account: AccountId,
    arn: Arn,
    owner: String,
    location: String,
    notes: String,
    expires_at: Option<Timestamp>,
}

/// Reads a table. A row that is wrong costs only its own line.
///
/// # Errors
///
/// The header is not SpaceCrab's.
pub(super) fn read(text: &[u8]) -> Result<Table, String> {
    let mut table = Table::default();
    let mut rows: Vec<Row> = Vec::new();
    let mut header: Option<Header> = None;
    let mut place = Place::new(text);
    'again: loop {
        let begin = place.at;
        let rest = text.get(begin..).unwrap_or_default();
        let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(rest);
        let mut record = ByteRecord::new();
        loop {
            let from = begin + offset(reader.position().byte());
            if !reader.read_byte_record(&mut record).map_err(|_| "the table cannot be read".to_owned())? {
                break 'again;
            }
            let to = begin + offset(reader.position().byte());
            let line = place.go_to(from);
            let raw = text.get(place.at..to).unwrap_or_default();
            let Some(header) = &header else {
                header = Some(Header::read(&record)?);
                continue;
            };
            match header.row(&record, raw, line) {
                Ok(row) => rows.push(row),
                Err(why) => {
                    table.complaints.push((line, why));
                    // A quote that is not closed swallows the lines behind it: they are looked at by themselves.
                    let next = memchr::memchr(b'\n', raw).map(|newline| place.at + newline + 1);
                    if let Some(next) = next.filter(|next| *next < to) {
                        place.go_to(next);
                        continue 'again;
                    }
                }
            }
        }
    }
    if header.is_none() {
        return Err("the table is empty: it has no header".into());
    }
    group(rows, &mut table);
    Ok(table)
}

fn offset(byte: u64) -> usize {
    usize::try_from(byte).unwrap_or(usize::MAX)
}

/// A place in the text, and its line.
struct Place<'a> {
    text: &'a [u8],
    at: usize,
    line: u64,
}

impl<'a> Place<'a> {
    fn new(text: &'a [u8]) -> Self {
        let at = if text.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        Self { text, at, line: 1 }
    }

    /// Goes on to where a row starts: there, or behind the line ends that stand there. Answers with its line.
    fn go_to(&mut self, from: usize) -> u64 {
        let blank = self.text.get(from..).unwrap_or_default().iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
        let to = from + blank.count();
        let passed = self.text.get(self.at..to).unwrap_or_default();
        self.line += memchr::memchr_iter(b'\n', passed).count() as u64;
        self.at = to;
        self.line
    }
}

/// Which column is where.
struct Header {
    columns: BTreeMap<String, usize>,
    /// How many there are.
    width: usize,
}

impl Header {
    fn read(record: &ByteRecord) -> Result<Self, String> {
        let name = |cell: &[u8]| String::from_utf8_lossy(cell).trim().to_lowercase();
        let columns: BTreeMap<String, usize> = record.iter().enumerate().map(|(at, cell)| (name(cell), at)).collect();
        let missing: Vec<&str> =
            ["AccessKeyId", "UserArn"].into_iter().filter(|name| !columns.contains_key(&name.to_lowercase())).collect();
        if missing.is_empty() {
            return Ok(Self { columns, width: record.len() });
        }
        Err(format!(
            "line 1: neither records nor SpaceCrab's table, whose header has the columns {}",
            missing.join(" and ")
        ))
    }

    fn row(&self, record: &ByteRecord, raw: &[u8], line: u64) -> Result<Row, String> {
        if !memchr::memchr_iter(b'"', raw).count().is_multiple_of(2) {
            return Err("a quote is not closed".into());
        }
        if record.len() != self.width {
            return Err(format!("{} cells under {} columns", record.len(), self.width));
        }
        let cell = |name: &str| match self.columns.get(&name.to_lowercase()).and_then(|at| record.get(*at)) {
            None => Ok(""),
            Some(bytes) => std::str::from_utf8(bytes).map_err(|_| format!("{name} is not UTF-8")),
        };
        let time = |name: &str| match cell(name)?.trim() {
            "" | "None" | "NULL" | "\\N" => Ok(None),
            text => moment(text).map(Some).ok_or_else(|| format!("{name} is no time")),
        };
        let id = cell("AccessKeyId")?.trim();
        if !is_key_id(id) {
            return Err("AccessKeyId is no access key id".into());
        }
        let arn = cell("UserArn")?.trim().parse::<Arn>().ok().filter(is_user);
        let arn = arn.ok_or("UserArn is not the ARN of a user")?;
        let account = arn.account.parse::<AccountId>().map_err(|_| "UserArn is not the ARN of a user")?;
        let user = cell("UserName")?.trim();
        if !user.is_empty() && user != arn.resource_name() {
            return Err(format!("UserName is not the user of {arn}"));
        }
        let active = match cell("Active")?.trim().to_lowercase().as_str() {
            "" | "t" | "true" | "1" | "yes" => true,
            "f" | "false" | "0" | "no" => false,
            _ => return Err("Active is neither t nor f".into()),
        };
        let deactivated_at = time("DeactivatedAt")?;
        let secret = cell("SecretAccessKey")?.trim();
        Ok(Row {
            line,
            key: TokenKey {
                id: id.to_owned(),
                status: if active { KeyStatus::Active } else { KeyStatus::Deleted },
                created_at: time("CreatedAt")?.unwrap_or_else(clock::now),
                deleted_at: if active { None } else { deactivated_at },
                last_used: None,
            },
            secret: (!secret.is_empty()).then(|| Secret::new(secret.to_owned())),
            account,
            arn,
            owner: cell("Owner")?.to_owned(),
            location: cell("Location")?.to_owned(),
            notes: cell("Notes")?.to_owned(),
            expires_at: time("ExpiresAt")?,
        })
    }
}

/// Makes one token of the rows of each user.
fn group(rows: Vec<Row>, table: &mut Table) {
    let mut users: Vec<Vec<Row>> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut keys: BTreeMap<String, u64> = BTreeMap::new();
    for row in rows {
        if let Some(line) = keys.insert(row.key.id.clone(), row.line) {
            table.complaints.push((row.line, format!("the key {} stands in line {line} already", row.key.id)));
            continue;
        }
        let place = *places.entry(row.arn.to_string()).or_insert(users.len());
        match users.get_mut(place) {
            Some(user) => user.push(row),
            None => users.push(vec![row]),
        }
    }
    for mut user in users {
        user.sort_by_key(|row| row.key.created_at);
        let lines: Vec<String> = user.iter().map(|row| row.line.to_string()).collect();
        let place =
            if lines.len() == 1 { format!("line {}", lines.concat()) } else { format!("lines {}", lines.join(", ")) };
        if let Some((token, remark)) = token(&user) {
            table.remarks.extend(remark.map(|remark| format!("{place}: {}: {remark}", token.arn)));
            let secrets = user.into_iter().filter_map(|row| Some((row.key.id, row.secret?))).collect();
            table.tokens.push((place, token, secrets));
        }
    }
}

/// The token that a user's rows tell of, the oldest first, and what a person should know of it.
fn token(rows: &[Row]) -> Option<(Token, Option<String>)> {
    let first = rows.first()?;
    let is_there = rows.iter().any(|row| row.key.status == KeyStatus::Active);
    let gone_at = rows.iter().filter_map(|row| row.key.deleted_at).max().filter(|_| !is_there);
    // SpaceCrab put a second key on a user where it could make no other: that was another token to it.
    let others = rows.iter().skip(1).filter(|row| (&row.owner, &row.location) != (&first.owner, &first.location));
    let others: Vec<String> =
        others.map(|row| format!("{}: owner {}, location {}", row.key.id, row.owner, row.location)).collect();
    let notes = rows.iter().map(|row| row.notes.as_str()).chain(others.iter().map(String::as_str));
    let mut kept: Vec<&str> = Vec::new();
    for note in notes.filter(|note| !note.is_empty()) {
        if !kept.contains(&note) {
            kept.push(note);
        }
    }
    let remark = "its keys had several owners or locations: those of the later ones are in its notes";
    let expiries = rows.iter().filter(|row| !is_there || row.key.status == KeyStatus::Active).map(|row| row.expires_at);
    Some((
        Token {
            kind: TokenKind::Kind,
            token: id(&first.key.id),
            state: if is_there { TokenState::Active } else { TokenState::Deleted },
            account: first.account.clone(),
            region: Region::global(),
            r#type: ResourceType::IamUser.name().to_owned(),
            id: first.arn.resource_name().to_owned(),
            arn: first.arn.clone(),
            principal_id: None,
            guard: Guard::Group,
            owner: first.owner.clone(),
            location: first.location.clone(),
            notes: kept.join("\n"),
            labels: BTreeMap::new(),
            keys: rows.iter().map(|row| row.key.clone()).collect(),
            created_at: first.key.created_at,
            // Whichever lasts longest; one that never ends does.
            expires_at: expiries.reduce(|one, other| Some(one?.max(other?))).flatten(),
            expired_at: None,
            blind_since: gone_at,
            deleted_at: gone_at,
            planted: Vec::new(),
            drill: None,
            fired: None,
        },
        (!others.is_empty()).then(|| remark.to_owned()),
    ))
}

/// An id that is the same whenever the same table is read.
fn id(key: &str) -> String {
    let hash = Sha256::digest(format!("spacecrab {key}"));
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
