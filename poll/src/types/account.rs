//! `account`: `GetAccountSummary`, `GetAccountPasswordPolicy`, and S3's public access block of the account.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_iam::Client;
use aws_sdk_iam::types::{PasswordPolicy as Described, SummaryKeyType};
use common::arn::Arn;
use common::aws::{AwsError, Session};
use common::client;
use common::id::Region;
use common::operation::{
    IAM_GET_ACCOUNT_PASSWORD_POLICY, IAM_GET_ACCOUNT_SUMMARY, Operation, S3_GET_ACCOUNT_PUBLIC_ACCESS_BLOCK,
};
use common::record::Resource;
use common::resource::{AccountSecurity, PasswordPolicy, PublicAccessBlock};

use super::iam::NO_SUCH;
use super::s3_bucket::account_block;
use super::{Owner, Polled, or_absent, read};
use crate::account::Account;
use crate::plan::Reach;
use crate::sink::Sink;

/// What `GetAccountSummary` tells, by the names of our fields.
const SUMMARY: [&str; 3] = ["AccountMFAEnabled", "AccountAccessKeysPresent", "AccountPasswordPresent"];

type Summary = Result<HashMap<SummaryKeyType, i32>, AwsError>;
type Policy = Result<Option<PasswordPolicy>, AwsError>;
type Block = Result<Option<PublicAccessBlock>, AwsError>;

impl Polled for AccountSecurity {
    const LIST: &'static [Operation] =
        &[IAM_GET_ACCOUNT_PASSWORD_POLICY, IAM_GET_ACCOUNT_SUMMARY, S3_GET_ACCOUNT_PUBLIC_ACCESS_BLOCK];
    const LOOK: &'static [Operation] = Self::LIST;

    async fn list(account: &Account, _: &Reach, sink: &Sink) -> Result<(), AwsError> {
        // No account is the misconfiguration maker's, and it has no tags that could say so.
        if sink.only_tests() {
            return Ok(());
        }
        let session = &account.session;
        let iam = client!(aws_sdk_iam, session, session.home_region());
        let block = async { account.public_access_block.get_or_init(|| account_block(session)).await.clone() };
        let (summary, policy, block) = tokio::join!(summary(&iam), password_policy(&iam), block);
        sink.resource(convert(&Owner::of(session), summary, policy, block)?).await;
        Ok(())
    }

    async fn look(session: &Session, _: &Region, id: &str) -> Result<Option<Resource<Self>>, AwsError> {
        if id != session.account().as_str() {
            let message = format!("`{id}` is not the account {}", session.account());
            return Err(AwsError::of(IAM_GET_ACCOUNT_SUMMARY, "BadReference", message));
        }
        let iam = client!(aws_sdk_iam, session, session.home_region());
        let (summary, policy, block) = tokio::join!(summary(&iam), password_policy(&iam), account_block(session));
        convert(&Owner::of(session), summary, policy, block).map(Some)
    }
}

async fn summary(iam: &Client) -> Summary {
    let answer = iam.get_account_summary().send().await;
    let answer = answer.map_err(|error| AwsError::new(IAM_GET_ACCOUNT_SUMMARY, error))?;
    Ok(answer.summary_map.unwrap_or_default())
}

async fn password_policy(iam: &Client) -> Policy {
    let answer = iam.get_account_password_policy().send().await;
    let answer = answer.map_err(|error| AwsError::new(IAM_GET_ACCOUNT_PASSWORD_POLICY, error));
    Ok(or_absent(answer, NO_SUCH)?.and_then(|answer| answer.password_policy).map(|policy| rules(&policy)))
}

fn rules(it: &Described) -> PasswordPolicy {
    PasswordPolicy {
        minimum_password_length: it.minimum_password_length,
        require_uppercase_characters: Some(it.require_uppercase_characters),
        require_lowercase_characters: Some(it.require_lowercase_characters),
        require_numbers: Some(it.require_numbers),
        require_symbols: Some(it.require_symbols),
        max_password_age: it.max_password_age,
        password_reuse_prevention: it.password_reuse_prevention,
        allow_users_to_change_password: Some(it.allow_users_to_change_password),
    }
}

/// The record of an account.
///
/// # Errors
///
/// Where nothing at all could be read: a record that says so three times would make a scope look covered.
fn convert(
    owner: &Owner,
    summary: Summary,
    policy: Policy,
    block: Block,
) -> Result<Resource<AccountSecurity>, AwsError> {
    if let (Err(error), Err(_), Err(_)) = (&summary, &policy, &block) {
        return Err(error.clone());
    }
    let mut unread = Vec::new();
    let summary = read(summary, &SUMMARY, &mut unread).unwrap_or_default();
    let number = |key: SummaryKeyType| summary.get(&key).copied();
    let config = AccountSecurity {
        account_mfa_enabled: number(SummaryKeyType::AccountMfaEnabled).map(|enabled| enabled > 0),
        account_access_keys_present: number(SummaryKeyType::AccountAccessKeysPresent),
        account_password_present: number(SummaryKeyType::AccountPasswordPresent).map(|present| present > 0),
        password_policy: read(policy, &["PasswordPolicy"], &mut unread).flatten(),
        public_access_block_configuration: read(block, &["PublicAccessBlockConfiguration"], &mut unread).flatten(),
    };
    let id = owner.account.as_str();
    let arn = Arn::new(&owner.partition, "iam", "", id, "root");
    let mut account = owner.resource(&Region::global(), id, arn, BTreeMap::new(), config);
    account.unread = unread;
    Ok(account)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::tests::{denied, owner};

    fn plain() -> (Summary, Policy, Block) {
        let summary = [(SummaryKeyType::AccountMfaEnabled, 1), (SummaryKeyType::AccountAccessKeysPresent, 0)];
        (Ok(HashMap::from(summary)), Ok(None), Ok(None))
    }

    fn account((summary, policy, block): (Summary, Policy, Block)) -> Resource<AccountSecurity> {
        convert(&owner(), summary, policy, block).unwrap()
    }

    #[test]
    fn what_aws_says_stands_in_the_record_and_what_it_does_not_say_is_null() {
        let record = account(plain());
        assert_eq!((record.id.as_str(), record.region.as_str()), ("111122223333", "global"));
        assert_eq!(record.arn.to_string(), "arn:aws-cn:iam::111122223333:root");
        let config = &record.config;
        assert_eq!((config.account_mfa_enabled, config.account_access_keys_present), (Some(true), Some(0)));
        assert_eq!((config.account_password_present, &config.password_policy), (None, &None));
        assert_eq!(record.unread, []);

        let mut given = plain();
        given.0 = Ok(HashMap::from([(SummaryKeyType::AccountPasswordPresent, 0)]));
        given.1 = Ok(Some(rules(&Described::builder().minimum_password_length(8).require_numbers(true).build())));
        let config = account(given).config;
        assert_eq!((config.account_mfa_enabled, config.account_password_present), (None, Some(false)));
        let rules = config.password_policy.unwrap();
        assert_eq!((rules.minimum_password_length, rules.password_reuse_prevention), (Some(8), None));
        assert_eq!((rules.require_numbers, rules.require_symbols), (Some(true), Some(false)));
    }

    #[test]
    fn each_denied_call_makes_its_own_fields_unread_and_no_other() {
        type Row<'a> = (&'a [&'a str], fn(&mut (Summary, Policy, Block)));
        let rows: [Row<'_>; 3] = [
            (&SUMMARY, |it| it.0 = Err(denied("iam:GetAccountSummary"))),
            (&["PasswordPolicy"], |it| it.1 = Err(denied("iam:GetAccountPasswordPolicy"))),
            (&["PublicAccessBlockConfiguration"], |it| it.2 = Err(denied("s3:GetAccountPublicAccessBlock"))),
        ];
        for (expected, deny) in rows {
            let mut given = plain();
            deny(&mut given);
            let record = account(given);
            let fields: Vec<_> = record.unread.iter().map(|unread| unread.field.as_str()).collect();
            assert_eq!(fields, expected);
            let config = serde_json::to_value(&record.config).unwrap();
            assert!(fields.iter().all(|field| config.get(field).is_some()), "{fields:?}");
        }
    }

    #[test]
    fn an_account_of_which_nothing_can_be_read_has_no_record() {
        let error = convert(&owner(), Err(denied("a:A")), Err(denied("b:B")), Err(denied("c:C"))).unwrap_err();
        assert_eq!(error.operation, "a:A");
    }
}
