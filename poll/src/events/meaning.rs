//! What a text that stands in a record means: which resource, in whose account.
//!
//! APIs take names and ARNs alike, and a caller may name what is another account's. That account's own record tells of it,
//! and only that account can be asked, so it is left out here.

use std::time::Duration;

use common::arn::{Arn, ArnError};
use common::event::Record;
use common::id::{AccountId, Region};
use common::reference::Reference;
use common::resource::{Extent, ResourceType};

use super::place::{CLUSTER, Change, Events, Need, Parts, Paths, Place};
use super::{Question, Target, Why};

/// What a text means.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Meant {
    /// A resource of the account, in this region where the text says that it is in another than the event.
    Id(String, Option<String>),
    /// Something that only AWS can resolve, in this region if in another than the event.
    Ask(Question, Option<String>),
    /// Nothing of ours: another account's, AWS's own, or of another type where types are mixed.
    Other,
}

impl Events {
    /// What a record of one of these events tells of.
    pub(super) fn targets(&self, record: &Record<'_>) -> Result<Vec<Target>, Why> {
        let reading = Reading {
            record,
            account: record.account().parse()?,
            parts: Parts::new(&record.event_name, record.request(), record.response()),
            delay: Duration::from_secs(self.delay.into()),
        };
        let mut targets = Vec::new();
        let mut alternatives: Option<(String, String)> = None;
        let mut met = false;
        for change in self.changes {
            if change.need == Need::Either && met {
                continue;
            }
            let found = reading.found(change)?;
            match (found, change.need) {
                (Some(found), need) => {
                    met |= need == Need::Either;
                    for target in found {
                        if !targets.contains(&target) {
                            targets.push(target);
                        }
                    }
                }
                (None, Need::Maybe) => {}
                (None, Need::Always) => {
                    return Err(Why::Missing { places: change.place.words(), what: change.kind.to_string() });
                }
                (None, Need::Either) => {
                    let (places, kinds) = alternatives.get_or_insert_default();
                    for (text, more) in [(places, change.place.words()), (kinds, change.kind.to_string())] {
                        let first = text.is_empty();
                        if first || *text != more {
                            text.push_str(if first { "" } else { " or " });
                            text.push_str(&more);
                        }
                    }
                }
            }
        }
        match alternatives.filter(|_| !met) {
            Some((places, what)) => Err(Why::Missing { places, what }),
            None => Ok(targets),
        }
    }
}

/// A record while it is read.
struct Reading<'r> {
    record: &'r Record<'r>,
    account: AccountId,
    parts: Parts,
    delay: Duration,
}

impl Reading<'_> {
    /// What a record says of one change; nothing, where it does not have the place.
    fn found(&self, change: &Change) -> Result<Option<Vec<Target>>, Why> {
        let kind = change.kind;
        let meant: Option<Vec<Meant>> = match change.place {
            Place::At(paths) => self.each(paths, |text| self.meant(kind, text))?,
            Place::Among(paths) => self.each(paths, |text| Ok(self.meant_among(kind, text)))?,
            Place::InCluster { at, service } => self.each(at, |text| self.meant_in_cluster(kind, text, service))?,
            Place::User(paths) => match self.each(paths, |text| self.meant(kind, text))? {
                Some(named) => Some(named),
                None => self.caller(),
            },
            Place::IfRoot => Some(if self.is_root() { vec![self.own(kind)] } else { Vec::new() }),
            Place::Own => Some(vec![self.own(kind)]),
            Place::Ask(paths, question) => self.each(paths, |text| Ok(self.asked(text, question)))?,
            Place::AskAll(question) => Some(vec![Meant::Ask(question(), None)]),
        };
        let Some(meant) = meant else { return Ok(None) };
        let targets = meant.into_iter().filter_map(|meant| self.target(kind, meant).transpose());
        targets.collect::<Result<_, _>>().map(Some)
    }

    fn each(&self, paths: Paths, meant: impl Fn(&str) -> Result<Meant, Why>) -> Result<Option<Vec<Meant>>, Why> {
        let texts = self.parts.at(paths);
        texts.map(|texts| texts.into_iter().map(meant).collect()).transpose()
    }

    fn target(&self, kind: ResourceType, meant: Meant) -> Result<Option<Target>, Why> {
        let region = |other: Option<String>| match other {
            Some(region) => region.parse::<Region>(),
            None => self.record.aws_region.parse(),
        };
        Ok(match meant {
            Meant::Id(id, elsewhere) => {
                let region = match kind.extent() {
                    Extent::Regional | Extent::AccountWide => region(elsewhere)?,
                    Extent::Global | Extent::Organization => Region::global(),
                };
                let reference = Reference { account: self.account.clone(), region, kind: kind.name().to_owned(), id };
                Some(Target::Resource { reference, kind, delay: self.delay })
            }
            Meant::Ask(question, elsewhere) => {
                Some(Target::Ask { account: self.account.clone(), region: region(elsewhere)?, question })
            }
            Meant::Other => None,
        })
    }

    /// There is one of these in each account or region, and its id is that one's.
    fn own(&self, kind: ResourceType) -> Meant {
        let id = if kind.extent() == Extent::Regional { &*self.record.aws_region } else { self.account.as_str() };
        Meant::Id(id.to_owned(), None)
    }

    fn is_root(&self) -> bool {
        &*self.record.user_identity.kind == "Root"
    }

    /// The user that called, for calls that without a name are about that one. The root user is no user of IAM.
    fn caller(&self) -> Option<Vec<Meant>> {
        if self.is_root() {
            return Some(Vec::new());
        }
        let identity = &self.record.user_identity;
        let issuer = &identity.session_context.session_issuer;
        let name = match (&*identity.kind, &*issuer.kind) {
            ("IAMUser", _) => &identity.user_name,
            (_, "IAMUser") => &issuer.user_name,
            _ => return None,
        };
        (!name.is_empty()).then(|| vec![Meant::Id(name.to_string(), None)])
    }

    /// Whether something of this account is meant.
    fn is_ours(&self, account: &str) -> bool {
        account.is_empty() || account == self.account.as_str()
    }

    /// What a text means where ids of this type stand.
    fn meant(&self, kind: ResourceType, text: &str) -> Result<Meant, Why> {
        let malformed = || Why::Malformed { text: super::short(text), kind };
        if let Some(arn) = arn(text) {
            let arn = arn.map_err(|_| malformed())?;
            return self.meant_by_arn(kind, &arn).ok_or_else(malformed);
        }
        let id = match kind {
            ResourceType::KmsKey if text.starts_with("alias/") => {
                return Ok(Meant::Ask(Question::KeyAlias(text.to_owned()), None));
            }
            // These have no other name.
            ResourceType::Elbv2 | ResourceType::IamPolicy => return Err(malformed()),
            ResourceType::Sqs => {
                // `https://sqs.eu-west-1.amazonaws.com/111122223333/jobs`
                let account = text.rsplit('/').nth(1).filter(|account| account.parse::<AccountId>().is_ok());
                if !self.is_ours(account.unwrap_or_default()) {
                    return Ok(Meant::Other);
                }
                text.to_owned()
            }
            ResourceType::LambdaFunction => {
                // `name`, `name:alias`, `function:name`, `111122223333:function:name:alias`
                let (account, name) = match text.split_once("function:") {
                    Some((account, name)) => (account.trim_end_matches(':'), name),
                    None => ("", text),
                };
                if !self.is_ours(account) {
                    return Ok(Meant::Other);
                }
                name.split(':').next().unwrap_or(name).to_owned()
            }
            // These keep their identifiers in lower case, whatever they were asked to make.
            ResourceType::Rds
            | ResourceType::RdsCluster
            | ResourceType::RdsSnapshot
            | ResourceType::RdsClusterSnapshot
            | ResourceType::Redshift => text.to_ascii_lowercase(),
            _ => text.to_owned(),
        };
        Ok(Meant::Id(id, None))
    }

    /// What an ARN means where ids of this type stand; nothing, where it cannot be one of it.
    fn meant_by_arn(&self, kind: ResourceType, arn: &Arn) -> Option<Meant> {
        if !self.is_ours(&arn.account) {
            return Some(Meant::Other);
        }
        let region = Some(arn.region.clone()).filter(|region| !region.is_empty());
        let resource = arn.resource.as_str();
        match (kind, arn.service.as_str()) {
            // Access points and whatever else S3 has are in an account and a region; buckets are not.
            (ResourceType::S3Bucket, _) if !arn.account.is_empty() => return None,
            (ResourceType::KmsKey, "kms") if resource.starts_with("alias/") => {
                return Some(Meant::Ask(Question::KeyAlias(resource.to_owned()), region));
            }
            // The ARNs of listeners and of their rules hold that of the load balancer:
            // `listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2`.
            (ResourceType::Elbv2, "elasticloadbalancing") if resource.starts_with("listener") => {
                let (_, path) = resource.split_once('/')?;
                let balancer = path.splitn(4, '/').take(3).collect::<Vec<_>>();
                let arn = Arn { resource: format!("loadbalancer/{}", balancer.join("/")), ..arn.clone() };
                return (balancer.len() == 3).then(|| Meant::Id(arn.to_string(), region));
            }
            _ => {}
        }
        let id = (ResourceType::of_arn(arn) == Some(kind)).then(|| kind.id_in(arn))??;
        Some(Meant::Id(id, region))
    }

    /// What a text means where ids or ARNs of several types stand.
    fn meant_among(&self, kind: ResourceType, text: &str) -> Meant {
        match arn(text) {
            Some(Ok(arn)) if ResourceType::of_arn(&arn) == Some(kind) => {
                self.meant_by_arn(kind, &arn).unwrap_or(Meant::Other)
            }
            None if of_ec2(text) == Some(kind) => Meant::Id(text.to_owned(), None),
            _ => Meant::Other,
        }
    }

    /// What a text means in ECS. The ARNs of before 2018, and names, lack the cluster.
    fn meant_in_cluster(&self, kind: ResourceType, text: &str, service: Option<&'static str>) -> Result<Meant, Why> {
        let malformed = || Why::Malformed { text: super::short(text), kind };
        let named = match arn(text) {
            None => text.to_owned(),
            Some(Err(_)) => return Err(malformed()),
            Some(Ok(arn)) if ResourceType::of_arn(&arn) != Some(kind) => return Err(malformed()),
            Some(Ok(arn)) => match self.meant_by_arn(kind, &arn) {
                Some(meant) => return Ok(meant),
                None => arn.resource_name().to_owned(),
            },
        };
        let name_at = |path: &str| {
            let named = self.parts.texts(path)?.first().copied()?;
            named.rsplit('/').next().map(str::to_owned)
        };
        let mut id = name_at(CLUSTER).unwrap_or_else(|| "default".to_owned());
        if let Some(path) = service {
            let missing = || Why::Missing { places: format!(".{path}"), what: kind.to_string() };
            id = format!("{id}/{}", name_at(path).ok_or_else(missing)?);
        }
        Ok(Meant::Id(format!("{id}/{named}"), None))
    }

    /// What only AWS can answer of a text.
    fn asked(&self, text: &str, question: fn(String) -> Question) -> Meant {
        match arn(text) {
            Some(Ok(arn)) if !self.is_ours(&arn.account) => Meant::Other,
            Some(Ok(arn)) => {
                Meant::Ask(question(text.to_owned()), Some(arn.region).filter(|region| !region.is_empty()))
            }
            _ => Meant::Ask(question(text.to_owned()), None),
        }
    }
}

/// The ARN that a text is, or why it is a broken one; nothing, where it is something else.
fn arn(text: &str) -> Option<Result<Arn, ArnError>> {
    text.starts_with("arn:").then(|| text.parse())
}

/// The type of what EC2 calls by this id, by its prefix:
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html>.
fn of_ec2(id: &str) -> Option<ResourceType> {
    Some(match id.split_once('-')?.0 {
        "i" => ResourceType::Ec2,
        "sg" => ResourceType::SecurityGroup,
        "ami" => ResourceType::Ami,
        "snap" => ResourceType::EbsSnapshot,
        "vol" => ResourceType::EbsVolume,
        "sir" => ResourceType::SpotRequest,
        _ => return None,
    })
}
