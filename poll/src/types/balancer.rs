//! What both kinds of load balancers have: tags that are asked for in batches, and instances with tags of their own.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::Filter;
use common::aws::{AwsError, Session};
use common::client;
use common::id::Region;
use common::operation::EC2_DESCRIBE_TAGS;
use common::record::Unread;
use common::resource::InstanceTags;
use futures_util::{StreamExt, stream};

use super::{AT_ONCE, read};
use crate::sink::TEST_TAG;

/// How many load balancers one call tells the tags of:
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTags.html>.
const BALANCERS: usize = 20;
/// How many values a filter takes: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html>.
const INSTANCES: usize = 200;

pub(super) type Tags = BTreeMap<String, String>;

/// The error code of both APIs where there is no such load balancer.
pub(super) const NOT_FOUND: &str = "LoadBalancerNotFound";

/// The tags of load balancers, by what the API knows them by. One that is not in the answer is gone.
pub(super) async fn balancer_tags<F>(
    names: Vec<String>,
    ask: impl Fn(Vec<String>) -> F,
) -> BTreeMap<String, Result<Tags, AwsError>>
where
    F: Future<Output = Result<BTreeMap<String, Tags>, AwsError>>,
{
    let batches: Vec<Vec<String>> = names.chunks(BALANCERS).map(<[String]>::to_vec).collect();
    let asked = batches.into_iter().map(|batch| async { (ask(batch.clone()).await, batch) });
    let answers: Vec<_> = stream::iter(asked).buffer_unordered(AT_ONCE).collect().await;
    let mut told = BTreeMap::new();
    for (answer, batch) in answers {
        match answer {
            // One that has gone in the meantime spoils the answer for all.
            Err(error) if error.code() == NOT_FOUND => {
                let alone = batch.into_iter().map(|name| async { (ask(vec![name.clone()]).await, name) });
                let answers: Vec<_> = stream::iter(alone).buffer_unordered(AT_ONCE).collect().await;
                for (answer, name) in answers {
                    if !answer.as_ref().is_err_and(|error| error.code() == NOT_FOUND) {
                        take(&mut told, vec![name], answer);
                    }
                }
            }
            answer => take(&mut told, batch, answer),
        }
    }
    told
}

fn take(
    told: &mut BTreeMap<String, Result<Tags, AwsError>>,
    batch: Vec<String>,
    answer: Result<BTreeMap<String, Tags>, AwsError>,
) {
    let mut answer = answer;
    for name in batch {
        let tags = match &mut answer {
            Ok(tags) => Ok(tags.remove(&name).unwrap_or_default()),
            Err(error) => Err(error.clone()),
        };
        told.insert(name, tags);
    }
}

/// Load balancers with their tags: without those that have vanished, and where test resources alone are wanted without
/// the others, so that nothing more is asked of them.
pub(super) fn tagged<T>(
    described: Vec<T>,
    name: fn(&T) -> Option<&str>,
    mut told: BTreeMap<String, Result<Tags, AwsError>>,
    only_tests: bool,
) -> Vec<(T, Result<Tags, AwsError>)> {
    let is_test = |tags: &Result<Tags, AwsError>| tags.as_ref().is_ok_and(|tags| tags.contains_key(TEST_TAG));
    let with_tags = described.into_iter().filter_map(|balancer| {
        let tags = told.remove(name(&balancer)?)?;
        Some((balancer, tags))
    });
    with_tags.filter(|(_, tags)| !only_tests || is_test(tags)).collect()
}

/// The tags of instances. Asked for once for all load balancers of a region, since many stand before the same instances.
pub(super) async fn instance_tags(
    session: &Session,
    region: &Region,
    ids: &BTreeSet<String>,
) -> Result<InstanceTags, AwsError> {
    let mut told: InstanceTags = ids.iter().map(|id| (id.clone(), Tags::new())).collect();
    let client = client!(aws_sdk_ec2, session, region);
    let ids: Vec<String> = ids.iter().cloned().collect();
    for batch in ids.chunks(INSTANCES) {
        let these = Filter::builder().name("resource-id").set_values(Some(batch.to_vec())).build();
        let mut pages = client.describe_tags().filters(these).into_paginator().page_size(1000).send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| AwsError::new(EC2_DESCRIBE_TAGS, error))?;
            for tag in page.tags.unwrap_or_default() {
                if let (Some(id), Some(key)) = (tag.resource_id, tag.key)
                    && let Some(tags) = told.get_mut(&id)
                {
                    tags.insert(key, tag.value.unwrap_or_default());
                }
            }
        }
    }
    Ok(told)
}

/// Of the tags of a region's instances those that one load balancer has behind it. Where it has none there is nothing
/// that could be unread.
pub(super) fn tags_behind(
    ids: &BTreeSet<String>,
    tags: &Result<InstanceTags, AwsError>,
    unread: &mut Vec<Unread>,
) -> InstanceTags {
    if ids.is_empty() {
        return InstanceTags::new();
    }
    let tags = read(tags.as_ref().map_err(Clone::clone), &["InstanceTags"], unread);
    let of = |id: &String| Some((id.clone(), tags?.get(id)?.clone()));
    ids.iter().filter_map(of).collect()
}

/// In an order that is the same at each look.
pub(super) fn sorted<T: Ord>(list: Option<Vec<T>>) -> Vec<T> {
    let mut list = list.unwrap_or_default();
    list.sort_unstable();
    list
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::types::tests::denied;

    fn names(range: std::ops::Range<usize>) -> Vec<String> {
        range.map(|number| format!("lb{number:02}")).collect()
    }

    fn tags(value: &str) -> Tags {
        [("Owner".to_owned(), value.to_owned())].into()
    }

    #[tokio::test]
    async fn tags_are_asked_for_twenty_at_a_time() {
        let batches = Mutex::new(Vec::new());
        let told = balancer_tags(names(0..45), |batch| {
            batches.lock().unwrap().push(batch.len());
            async move { Ok(batch.into_iter().filter(|name| name != "lb44").map(|name| (name, tags("web"))).collect()) }
        })
        .await;
        assert_eq!(batches.into_inner().unwrap(), [20, 20, 5]);
        assert_eq!(told.len(), 45);
        assert_eq!(told["lb00"], Ok(tags("web")));
        assert_eq!(told["lb44"], Ok(Tags::new()), "AWS tells nothing of a load balancer without tags");
    }

    #[tokio::test]
    async fn one_that_vanished_is_left_out_and_spoils_nothing() {
        let told = balancer_tags(names(0..3), |batch| async move {
            if batch.iter().any(|name| name == "lb01") {
                return Err(AwsError::of("elasticloadbalancing:DescribeTags", NOT_FOUND, "gone"));
            }
            Ok(batch.into_iter().map(|name| (name, tags("web"))).collect())
        })
        .await;
        assert_eq!(told.keys().collect::<Vec<_>>(), ["lb00", "lb02"]);
        assert!(told.values().all(|tags| tags.as_ref().is_ok_and(|tags| tags["Owner"] == "web")));
    }

    #[tokio::test]
    async fn what_is_denied_is_an_error_for_each_and_is_asked_once() {
        let calls = Mutex::new(0);
        let told = balancer_tags(names(0..3), |_| {
            *calls.lock().unwrap() += 1;
            async { Err(denied("elasticloadbalancing:DescribeTags")) }
        })
        .await;
        assert_eq!(calls.into_inner().unwrap(), 1);
        assert!(told.len() == 3 && told.values().all(Result::is_err));
    }

    #[test]
    fn only_those_that_are_there_and_wanted_are_looked_into() {
        let test: Tags = [(TEST_TAG.to_owned(), String::new())].into();
        let kept = |only_tests| -> Vec<&str> {
            let told = [("a", Ok(tags("web"))), ("b", Ok(test.clone())), ("c", Err(denied("x")))];
            let told = told.map(|(name, tags)| (name.to_owned(), tags)).into();
            let kept = tagged(vec!["a", "b", "c", "gone"], |name| Some(*name), told, only_tests);
            kept.into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(kept(false), ["a", "b", "c"]);
        assert_eq!(kept(true), ["b"]);
    }

    #[test]
    fn only_where_there_are_instances_can_their_tags_be_unread() {
        let (none, one) = (BTreeSet::new(), BTreeSet::from(["i-1".to_owned()]));
        let told = Ok(InstanceTags::from([("i-1".to_owned(), tags("web")), ("i-2".to_owned(), tags("shop"))]));
        let denied = Err(denied("ec2:DescribeTags"));
        let mut unread = Vec::new();
        assert_eq!(tags_behind(&one, &told, &mut unread), [("i-1".to_owned(), tags("web"))].into());
        assert_eq!(tags_behind(&none, &denied, &mut unread), InstanceTags::new());
        assert_eq!(unread, []);
        assert_eq!(tags_behind(&one, &denied, &mut unread), InstanceTags::new());
        assert_eq!(unread[0].field, "InstanceTags");
    }
}
