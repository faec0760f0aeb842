//! What accounts come to: instances that run and money that is spent, over all records of each.
//!
//! The one thing that `audit` cannot say of a record by itself. What is counted is counted while the records go by; what
//! would be halted is held back, and at the end of the stream it is let go for the accounts that are over a limit. Kept is
//! only what may become a finding, and only of accounts that have a limit.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use common::arn::Arn;
use common::id::{AccountId, Region};
use common::record::{Finding, FindingStatus, Resource, ResourceKind, Scope, ScopeStatus};
use common::resource::{Amount, ResourceType};
use common::settings::Runaway;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::checks::runaway::{self, OF_ACCOUNT};
use crate::checks::{self, Problem, Unclear};
use crate::judge::{Judge, Verdict, Wanted};
use crate::table::counted;

/// How many reasons for not knowing all are named; the rest are counted.
const NAMED: usize = 5;

/// In which order the findings of an account are written: what would start or replace instances goes before these.
const ORDER: &[&str] = &["auto_scaling_group_runaway", "spot_request_runaway", "ec2_runaway"];

/// What a record adds to its account's totals.
#[derive(Clone, Debug)]
pub(crate) enum Counted {
    /// An instance that runs, or is about to.
    Running,
    /// An instance of which nobody knows, and why.
    Unclear(String),
    /// What was spent in the limit's window, or why nobody knows.
    Spent(Result<Amount, String>),
}

/// The totals of all accounts that have a limit.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    /// Whether any check wants them.
    is_on: bool,
    /// Whether they were asked for by name: then an account of which nothing was counted is told, too.
    by_name: bool,
    accounts: BTreeMap<AccountId, Total>,
}

/// What is known of an account.
#[derive(Debug, Default)]
struct Total {
    /// Its own record, where that went by: an exception may go by its tags.
    record: Option<Resource<()>>,
    partition: Option<String>,
    /// What went by of what is counted: records, or scopes.
    asked: BTreeSet<ResourceType>,
    /// Each instance once, however often it went by.
    instances: BTreeMap<Region, BTreeMap<String, Sighting>>,
    spent: Option<Result<Amount, String>>,
    /// What could not be listed, and why; nothing where it was.
    scopes: BTreeMap<(ResourceType, Region), Option<String>>,
    /// Findings, as JSON: a tenth of what they take as they are.
    held: Vec<Box<str>>,
}

/// An instance when it was last looked at. The later look counts: yesterday's records in the same stream say nothing of
/// today. Of two of the same time the more alarming one does.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Sighting {
    at: Timestamp,
    state: State,
}

/// How an instance was.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Down,
    Unclear(String),
    Running,
}

/// How an account stands to its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Over one of them.
    Over,
    /// Over one of them, or perhaps, which somebody said is allowed.
    Excepted,
    /// Not over, as far as could be seen, which is not all.
    Unknown,
    /// Not over.
    Within,
}

/// What an account comes to.
#[derive(Debug)]
pub(crate) struct Settled {
    pub(crate) account: AccountId,
    pub(crate) standing: Standing,
    /// The findings of the account itself.
    pub(crate) verdict: Verdict,
    /// Those of its resources: what is to be halted, or what passes.
    pub(crate) resources: Vec<Finding>,
    /// What people are told.
    pub(crate) title: String,
}

impl Totals {
    /// None so far.
    pub(crate) fn of(judge: &Judge, by_name: bool) -> Self {
        Self { is_on: judge.weighs_accounts(), by_name, accounts: BTreeMap::new() }
    }

    fn account(&mut self, judge: &Judge, account: &AccountId) -> Option<&mut Total> {
        self.want(judge, account).then(|| self.accounts.entry(account.clone()).or_default())
    }

    /// Whether a record of this account is to be shown to [`record`](Self::record).
    pub(crate) fn want(&self, judge: &Judge, account: &AccountId) -> bool {
        self.is_on && judge.limits(account).is_limited()
    }

    /// Whether somebody wants them, by name, and nothing went by that tells of any account.
    pub(crate) fn are_missing(&self) -> bool {
        self.is_on && self.by_name && self.accounts.is_empty()
    }

    /// Whether an account is weighed by what a scope is about.
    pub(crate) fn weigh_by(&self, judge: &Judge, scope: &Scope) -> bool {
        self.want(judge, &scope.account) && scope.r#type.parse().is_ok_and(is_counted)
    }

    /// Takes in what was listed.
    pub(crate) fn scope(&mut self, judge: &Judge, scope: &Scope) {
        let Ok(kind) = scope.r#type.parse::<ResourceType>() else { return };
        if kind == ResourceType::Organization {
            return;
        }
        let Some(total) = self.account(judge, &scope.account) else { return };
        if !is_weighed(kind) {
            return;
        }
        total.asked.extend(is_counted(kind).then_some(kind));
        let why = || match &scope.error {
            Some(error) => format!("{kind} {} ({}: {})", scope.region, error.operation, error.code),
            None => format!("{kind} {}", scope.region),
        };
        let failed = (scope.status == ScopeStatus::Failed).then(why);
        let known = total.scopes.entry((kind, scope.region.clone())).or_insert_with(|| failed.clone());
        // What was listed once is listed, though it could not be another time.
        if failed.is_none() {
            *known = None;
        }
    }

    /// Takes in a record of a wanted account, and what it counts.
    pub(crate) fn record(&mut self, judge: &Judge, resource: Resource<()>, counted: Option<Counted>) {
        let Some(total) = self.account(judge, &resource.account) else { return };
        let kind = resource.r#type.parse::<ResourceType>().ok();
        total.asked.extend(kind.filter(|kind| is_counted(*kind)));
        total.partition.get_or_insert_with(|| resource.arn.partition.clone());
        match counted {
            Some(Counted::Running) => total.sight(resource, State::Running),
            Some(Counted::Unclear(why)) => total.sight(resource, State::Unclear(why)),
            None if kind == Some(ResourceType::Ec2) => total.sight(resource, State::Down),
            Some(Counted::Spent(spent)) => {
                let reach = |spent: &Result<Amount, String>| spent.as_ref().ok().map(|amount| amount.to);
                if total.spent.as_ref().is_none_or(|known| reach(known) <= reach(&spent)) {
                    total.spent = Some(spent);
                }
            }
            None if kind == Some(ResourceType::Account) => total.record = Some(resource),
            None => {}
        }
    }

    /// Keeps a finding of a resource until it is known whether its account is over a limit.
    pub(crate) fn hold(&mut self, judge: &Judge, finding: &Finding) -> Result<(), serde_json::Error> {
        let text = serde_json::to_string(finding)?;
        if let Some(total) = self.account(judge, &finding.account) {
            total.held.push(text.into());
        }
        Ok(())
    }

    /// What it all comes to, account by account. `lost` is how many parts of the input were not understood: any of them
    /// may have been an instance.
    pub(crate) fn settle(
        self,
        judge: &Judge,
        lost: u64,
        wanted: Wanted<'_>,
    ) -> impl Iterator<Item = Result<Settled, serde_json::Error>> {
        let by_name = self.by_name;
        let asked = self.accounts.into_iter().filter_map(move |(account, total)| {
            let limits = total.asked(judge.limits(&account), by_name);
            limits.is_limited().then_some((account, total, limits))
        });
        asked.map(move |(account, total, limits)| total.settle(&account, &limits, judge, lost, wanted))
    }
}

/// Whether resources of a type are counted.
fn is_counted(kind: ResourceType) -> bool {
    matches!(kind, ResourceType::Ec2 | ResourceType::Spend)
}

/// Whether it matters to the brake that all of a type was listed.
fn is_weighed(kind: ResourceType) -> bool {
    is_counted(kind) || checks::of(kind).iter().any(|about| runaway::is_runaway(about.id))
}

impl Total {
    /// The limits that are in question. Where the brake was not asked for by name, a stream without any spending is no
    /// failed look at it: it is polled where somebody asks for it alone.
    fn asked(&self, limits: &Runaway, by_name: bool) -> Runaway {
        let asked = |kind| by_name || self.asked.contains(&kind);
        Runaway {
            max_running_instances: limits.max_running_instances.filter(|_| asked(ResourceType::Ec2)),
            max_spend: limits.max_spend.clone().filter(|_| asked(ResourceType::Spend)),
        }
    }

    fn sight(&mut self, instance: Resource<()>, state: State) {
        let sighting = Sighting { at: instance.observed_at, state };
        match self.instances.entry(instance.region).or_default().entry(instance.id) {
            Entry::Vacant(place) => drop(place.insert(sighting)),
            Entry::Occupied(mut known) if *known.get() < sighting => drop(known.insert(sighting)),
            Entry::Occupied(_) => {}
        }
    }

    /// How many instances run in each region where any does.
    fn running(&self) -> BTreeMap<&str, u64> {
        let runs = |sighting: &&Sighting| sighting.state == State::Running;
        let regions =
            self.instances.iter().map(|(region, ids)| (region.as_str(), ids.values().filter(runs).count() as u64));
        regions.filter(|(_, count)| *count > 0).collect()
    }

    /// Of which instances nobody knows, and why.
    fn unclear(&self) -> impl Iterator<Item = String> {
        self.instances.values().flatten().filter_map(|(id, sighting)| match &sighting.state {
            State::Unclear(why) => Some(format!("{id} ({why})")),
            State::Running | State::Down => None,
        })
    }

    /// Whether what was found is an instance that has been seen stopped since.
    fn is_stopped(&self, finding: &Finding) -> bool {
        let sighting = || self.instances.get(&finding.region)?.get(&finding.id);
        finding.r#type == ResourceType::Ec2.name() && sighting().is_some_and(|sighting| sighting.state == State::Down)
    }

    /// Which limits it is over, and by how much; and what was not seen, of which there may be more.
    fn weigh(&self, limits: &Runaway, lost: u64) -> (Vec<String>, Vec<String>) {
        let (mut over, mut unseen) = (Vec::new(), Vec::new());
        if let Some(allowed) = limits.max_running_instances {
            let running: u64 = self.running().values().sum();
            if running > allowed {
                let verb = if running == 1 { "runs" } else { "run" };
                let instances = counted(running, "instance", "instances");
                over.push(format!("{instances} {verb}, {} over the {allowed} that may", running - allowed));
            }
            unseen.extend(self.not_listed(ResourceType::Ec2));
            unseen.extend(self.unclear());
        }
        if let Some(allowed) = &limits.max_spend {
            unseen.extend(self.not_listed(ResourceType::Spend));
            match &self.spent {
                Some(Ok(spent)) if spent.value > allowed.amount => {
                    let Amount { value, unit, from, to, .. } = spent;
                    over.push(format!(
                        "{:.2} {unit} were spent from {from} to {to}, {:.2} {unit} over the {allowed} that may be",
                        value.to_f64(),
                        (*value - allowed.amount).to_f64(),
                    ));
                }
                Some(Ok(_)) => {}
                Some(Err(why)) => unseen.push(why.clone()),
                None => unseen.push("spend (there is no record of it: `poll --types spend`)".to_owned()),
            }
        }
        if lost > 0 {
            unseen.push(format!("{} of the input, not understood", counted(lost, "part", "parts")));
        }
        (over, unseen)
    }

    /// Why not all of a type was listed.
    fn not_listed(&self, kind: ResourceType) -> Vec<String> {
        let mut of_kind = self.scopes.iter().filter(|((of, _), _)| *of == kind).map(|(_, failed)| failed).peekable();
        if of_kind.peek().is_none() {
            return vec![format!("{kind} (no scope record says that all of it was listed)")];
        }
        of_kind.flatten().cloned().collect()
    }

    /// The account as a resource: its own record, or what there would be of one.
    fn resource(&self, account: &AccountId) -> Resource<()> {
        let partition = self.partition.as_deref().unwrap_or("aws");
        self.record.clone().unwrap_or_else(|| Resource {
            kind: ResourceKind::default(),
            account: account.clone(),
            region: Region::global(),
            r#type: ResourceType::Account.name().to_owned(),
            id: account.to_string(),
            arn: Arn::new(partition, "iam", "", account.as_str(), "root"),
            tags: BTreeMap::new(),
            config: (),
            unread: Vec::new(),
            settled: true,
            observed_at: Timestamp::default(),
        })
    }

    fn settle(
        mut self,
        account: &AccountId,
        limits: &Runaway,
        judge: &Judge,
        lost: u64,
        wanted: Wanted<'_>,
    ) -> Result<Settled, serde_json::Error> {
        let (over, unseen) = self.weigh(limits, lost);
        let resource = self.resource(account);
        let exempt = judge.exempt(&resource, Some(runaway::ACCOUNT.id), judge.now()).is_some();
        let standing = match (over.is_empty(), unseen.is_empty()) {
            (true, true) => Standing::Within,
            _ if exempt => Standing::Excepted,
            (false, _) => Standing::Over,
            (true, false) => Standing::Unknown,
        };
        let mut resources = match (standing, wanted) {
            (Standing::Over, _) | (Standing::Within, Wanted::All) => self.let_go()?,
            _ => Vec::new(),
        };
        let over = over.join(", and ");
        match standing {
            Standing::Over => resources.iter_mut().for_each(|finding| {
                if let Value::Object(evidence) = &mut finding.evidence {
                    evidence.insert(OF_ACCOUNT.to_owned(), json!(over));
                }
            }),
            _ => resources.iter_mut().for_each(pass),
        }
        let evidence = self.evidence(limits, &unseen);
        let unseen = shortened(&unseen);
        let problem = if !over.is_empty() {
            let halted = halted(&resources, judge.rehearses()).map(|halted| format!("; {halted}")).unwrap_or_default();
            let unseen = if unseen.is_empty() { unseen } else { format!("; not all was seen: {unseen}") };
            Some(Problem::new(format!("is over its limit: {over}{halted}{unseen}"), evidence))
        } else if !unseen.is_empty() {
            let why = format!("{}, and not all was seen: {unseen}", self.so_far(limits));
            Some(Problem::unclear(Unclear(why), evidence))
        } else {
            None
        };
        let (title, verdict) = judge.judge_account(resource, problem, wanted);
        Ok(Settled { account: account.clone(), standing, verdict, resources, title })
    }

    /// The findings that were held back, each once, in the order of [`ORDER`].
    fn let_go(&mut self) -> Result<Vec<Finding>, serde_json::Error> {
        let held = std::mem::take(&mut self.held);
        let mut findings: Vec<Finding> =
            held.iter().map(|text| serde_json::from_str(text)).collect::<Result<_, _>>()?;
        let mut seen = BTreeSet::new();
        findings.retain(|finding| seen.insert(finding.key.clone()) && !self.is_stopped(finding));
        let rank = |finding: &Finding| ORDER.iter().position(|check| *check == finding.check).unwrap_or(ORDER.len());
        findings.sort_by_key(rank);
        Ok(findings)
    }

    /// What is known to be within the limits.
    fn so_far(&self, limits: &Runaway) -> String {
        let instances = limits.max_running_instances.map(|allowed| {
            let running: u64 = self.running().values().sum();
            let verb = if running == 1 { "is" } else { "are" };
            format!(
                "{} {verb} known to run, of which there may be {allowed}",
                counted(running, "instance", "instances")
            )
        });
        let spent = limits.max_spend.as_ref().zip(self.spent.as_ref()).and_then(|(allowed, spent)| {
            let spent = spent.as_ref().ok()?;
            Some(format!("{:.2} {} are known to be spent, of {allowed}", spent.value.to_f64(), spent.unit))
        });
        let known: Vec<String> = instances.into_iter().chain(spent).collect();
        if known.is_empty() { "nothing is known".to_owned() } else { known.join(", and ") }
    }

    fn evidence(&self, limits: &Runaway, unseen: &[String]) -> Value {
        let mut evidence = json!({});
        if let Some(allowed) = limits.max_running_instances {
            let regions = self.running();
            let total: u64 = regions.values().sum();
            evidence["RunningInstances"] = json!({"Total": total, "Regions": regions, "Limit": allowed});
        }
        if let Some(allowed) = &limits.max_spend {
            let mut spend = json!({"Limit": allowed.to_string()});
            if let Some(Ok(Amount { value, unit, from, to, source })) = &self.spent {
                spend = json!({
                    "Amount": value, "Unit": unit, "From": from, "To": to, "Source": source.field(),
                    "Limit": allowed.to_string(),
                });
            }
            evidence["Spend"] = spend;
        }
        if !unseen.is_empty() {
            evidence["NotSeen"] = json!(unseen);
        }
        let failed: Vec<&String> = self.scopes.values().flatten().collect();
        if !failed.is_empty() {
            evidence["FailedScopes"] = json!(failed);
        }
        evidence
    }
}

/// A finding of a resource that there is nothing to be done about, since its account is within its limits.
fn pass(finding: &mut Finding) {
    let kind = finding.r#type.parse::<ResourceType>();
    let (singular, id) = kind.map_or(("", finding.id.as_str()), |kind| (kind.singular(), kind.short_id(&finding.id)));
    finding.title = format!("{singular} {id} passes {}", finding.check);
    finding.status = FindingStatus::Pass;
    finding.evidence = Value::Null;
    finding.action = None;
    finding.reason = None;
    finding.until = None;
}

/// What is done about it, in a few words: "to be halted: 25 EC2 instances, 2 IAM users; excepted: 1 IAM role".
fn halted(findings: &[Finding], rehearsal: bool) -> Option<String> {
    let of = |status: FindingStatus| {
        let mut kinds: BTreeMap<ResourceType, u64> = BTreeMap::new();
        for finding in findings.iter().filter(|finding| finding.status == status) {
            if let Ok(kind) = finding.r#type.parse() {
                *kinds.entry(kind).or_default() += 1;
            }
        }
        let kinds =
            kinds.into_iter().map(|(kind, count)| counted(count, kind.singular(), &format!("{}s", kind.singular())));
        kinds.collect::<Vec<_>>().join(", ")
    };
    let verb = if rehearsal { "would be halted" } else { "to be halted" };
    let parts =
        [(verb, FindingStatus::Fail), ("excepted", FindingStatus::Excepted), ("unknown", FindingStatus::Unknown)];
    let parts = parts.map(|(word, status)| (word, of(status)));
    let said: Vec<String> = parts
        .into_iter()
        .filter(|(_, kinds)| !kinds.is_empty())
        .map(|(word, kinds)| format!("{word}: {kinds}"))
        .collect();
    if said.is_empty() { None } else { Some(said.join("; ")) }
}

/// The first few, and how many more.
fn shortened(reasons: &[String]) -> String {
    let rest = reasons.len().saturating_sub(NAMED);
    let first = reasons.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    if rest == 0 { first } else { format!("{first}, and {rest} more") }
}
