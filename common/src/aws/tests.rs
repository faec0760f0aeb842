//! This layer against a server of its own: what goes out, how often, and what comes back of it.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use crate::arn::Arn;
use crate::clock;
use crate::id::{AccountId, Region};
use crate::settings;

use super::args::{AwsArgs, Choice};
use super::config;
use super::intercept::{Requests, Watch};
use super::loopback::{Reply, SECRET, Server, assumed, identity, refusal, sdk_config};
use super::{AwsError, NO_ORGANIZATION, Session, Sessions, StartError};

const OPERATION: &str = "sts:GetCallerIdentity";

fn caller() -> Arn {
    "arn:aws:iam::111122223333:user/jane".parse().unwrap()
}

fn account(id: &str) -> AccountId {
    id.parse().unwrap()
}

fn choice(args: &AwsArgs) -> Choice {
    args.choose(&settings::Aws::default(), |_| None, "test").unwrap()
}

/// A session of account 111122223333 with the server.
fn session(address: &str, attempts: u32, concurrency: usize) -> (Session, Requests) {
    let requests = Requests::default();
    let config = sdk_config(address, attempts, concurrency);
    let home: Region = "eu-west-1".parse().unwrap();
    let watch = Watch::new(requests.clone());
    (Session::new(account("111122223333"), &caller(), home, config, watch), requests)
}

/// Makes the one call that these tests make.
async fn call(session: &Session) -> Result<(), AwsError> {
    let client = crate::client!(aws_sdk_sts, session, session.home_region());
    client.get_caller_identity().send().await.map(drop).map_err(|error| AwsError::new(OPERATION, error))
}

#[tokio::test]
async fn a_refused_connection_names_the_endpoint() {
    let address = Server::nobody().await;
    let (session, requests) = session(&address, 2, 4);
    let error = call(&session).await.unwrap_err();
    assert_eq!(error.code(), "NoConnection");
    let says = format!("no connection to {address} could be made");
    assert!(error.message.starts_with(&says), "{error}");
    assert!(error.message.contains("refused"), "{error}");
    assert!(!error.outcome_unknown());
    assert_eq!(requests.counted()[OPERATION], 2);
    // What never reached the server may be sent again, also when it writes.
    assert_eq!(call(&session.for_writes()).await.unwrap_err().code(), "NoConnection");
    assert_eq!(requests.counted()[OPERATION], 4);
}

#[tokio::test]
async fn an_unknown_host_is_no_connection() {
    let (session, _) = session("nobody.invalid:80", 1, 4);
    let error = call(&session).await.unwrap_err();
    assert_eq!((error.code(), error.outcome_unknown()), ("NoConnection", false), "{error}");
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let server = Server::start(|_| Reply::Silence).await;
    let (session, requests) = session(&server.address, 8, 4);
    let start = Instant::now();
    let error = call(&session).await.unwrap_err();
    assert_eq!(error.code(), "Timeout");
    assert!(error.message.contains(&format!("{} did not answer in time", server.address)), "{error}");
    assert!(error.outcome_unknown());
    assert_eq!(requests.counted()[OPERATION], 3);
    assert!(start.elapsed() < Duration::from_secs(10));
}

/// What can happen to a call, how often it is then sent as a read and as a write (of at most four times), the code, and
/// whether it may have taken effect.
#[tokio::test]
async fn writes_are_repeated_only_where_the_first_one_had_no_effect() {
    type Case = (&'static str, fn() -> Reply, usize, usize, &'static str, bool);
    let cases: [Case; 10] = [
        ("silence", || Reply::Silence, 3, 1, "Timeout", true),
        ("hang-up", || Reply::HangUp, 4, 1, "ConnectionLost", true),
        ("half an answer", || Reply::Half, 4, 1, "ConnectionLost", true),
        ("nonsense", || Reply::Answer(200, "<a".into()), 1, 1, "BadResponse", true),
        ("500", || refusal(500, "InternalFailure", "sorry"), 4, 1, "InternalFailure", true),
        ("503", || refusal(503, "ServiceUnavailable", "later"), 4, 1, "ServiceUnavailable", true),
        ("503 throttled", || refusal(503, "SlowDown", "slow down"), 4, 4, "SlowDown", false),
        ("400 throttled", || refusal(400, "Throttling", "Rate exceeded"), 4, 4, "Throttling", false),
        ("denied", || refusal(403, "AccessDenied", "no"), 1, 1, "AccessDenied", false),
        ("socket timeout told", || refusal(400, "RequestTimeout", "idle"), 4, 4, "RequestTimeout", false),
    ];
    for (what, reply, reads, writes, code, unknown) in cases {
        let server = Server::start(move |_| reply()).await;
        let (session, requests) = session(&server.address, 4, 4);
        let error = call(&session).await.unwrap_err();
        assert_eq!(server.requests().len(), reads, "{what}, read");
        assert_eq!((error.code(), error.outcome_unknown()), (code, unknown), "{what}: {error}");
        let error = call(&session.for_writes()).await.unwrap_err();
        assert_eq!(server.requests().len() - reads, writes, "{what}, written");
        assert_eq!((error.code(), error.outcome_unknown()), (code, unknown), "{what}: {error}");
        assert_eq!(requests.counted()[OPERATION], (reads + writes) as u64, "{what}, counted");
        for empty in ["service error", "dispatch failure", "response error"] {
            assert!(!error.to_string().contains(empty), "{what}: {error}");
        }
    }
}

#[tokio::test]
async fn an_error_says_what_aws_said() {
    let server = Server::start(|_| refusal(403, "AccessDenied", "User: jane is not authorized")).await;
    let (session, _) = session(&server.address, 1, 4);
    let error = call(&session).await.unwrap_err();
    assert!(error.is_denied());
    assert_eq!(
        error.to_string(),
        "sts:GetCallerIdentity failed: AccessDenied: User: jane is not authorized (request r-1)"
    );
    let unread = error.unread("Policy");
    assert_eq!(
        (unread.field.as_str(), unread.operation.as_str(), unread.code.as_str()),
        ("Policy", OPERATION, "AccessDenied")
    );
    assert_eq!(error.scope_error().request_id.as_deref(), Some("r-1"));
}

#[tokio::test]
async fn expired_credentials_say_what_to_do() {
    for code in ["ExpiredToken", "ExpiredTokenException", "RequestExpired"] {
        let server = Server::start(move |_| refusal(403, code, "The security token is expired")).await;
        let error = Sessions::with_config(choice(&AwsArgs::default()), sdk_config(&server.address, 1, 4))
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains("the credentials have expired: renew them"), "{error}");
        assert!(error.contains("The security token is expired"), "{error}");
    }
}

#[tokio::test]
async fn no_credentials_is_a_sentence_that_says_what_to_do() {
    let server = Server::start(|_| identity("111122223333", "aws")).await;
    let config = sdk_config(&server.address, 1, 4);
    let nothing = aws_credential_types::provider::error::CredentialsError::not_loaded_no_source;
    let config = config.to_builder().credentials_provider(credentials(move || Err(nothing()))).build();
    let args = AwsArgs { profile: Some("prod".into()), ..AwsArgs::default() };
    let error = Sessions::with_config(choice(&args), config.clone()).await.unwrap_err();
    assert!(matches!(&error, StartError::ProfileWithoutCredentials { profile, .. } if profile == "prod"), "{error:?}");
    let error = Sessions::with_config(choice(&AwsArgs::default()), config).await.unwrap_err();
    assert!(matches!(error, StartError::NoCredentials), "{error:?}");
    assert!(error.to_string().starts_with("no AWS credentials found"), "{error}");
    assert!(server.requests().is_empty());
}

type Credentials = Result<aws_credential_types::Credentials, aws_credential_types::provider::error::CredentialsError>;

fn credentials(
    give: impl Fn() -> Credentials + Send + Sync + 'static,
) -> aws_credential_types::provider::SharedCredentialsProvider {
    struct Give<F>(F);
    impl<F> std::fmt::Debug for Give<F> {
        fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            out.write_str("Give")
        }
    }
    impl<F: Fn() -> Credentials + Send + Sync> aws_credential_types::provider::ProvideCredentials for Give<F> {
        fn provide_credentials<'a>(&'a self) -> aws_credential_types::provider::future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            aws_credential_types::provider::future::ProvideCredentials::ready(self.0())
        }
    }
    aws_credential_types::provider::SharedCredentialsProvider::new(Give(give))
}

#[tokio::test]
async fn no_more_requests_are_under_way_than_allowed() {
    let server = Server::start(|_| {
        let Reply::Answer(status, body) = identity("111122223333", "aws") else { unreachable!() };
        Reply::Late(Duration::from_millis(50), status, body)
    })
    .await;
    let (session, _) = session(&server.address, 1, 3);
    let answers = join_all((0..12).map(|_| call(&session))).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(server.requests().len(), 12);
    assert_eq!(server.peak(), 3);
}

/// Twelve calls of 200 ms one after the other take longer than the 2 s that one exchange may take.
#[tokio::test]
async fn waiting_for_ones_turn_is_no_failure() {
    let server = Server::start(|_| {
        let Reply::Answer(status, body) = identity("111122223333", "aws") else { unreachable!() };
        Reply::Late(Duration::from_millis(200), status, body)
    })
    .await;
    let (session, _) = session(&server.address, 1, 1);
    let answers = join_all((0..12).map(|_| call(&session))).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
}

#[tokio::test]
async fn backing_off_leaves_the_way_to_others() {
    let server = Server::start(|request| match request.number {
        1 => refusal(400, "Throttling", "Rate exceeded"),
        _ => identity("111122223333", "aws"),
    })
    .await;
    let requests = Requests::default();
    let slow = aws_config::retry::RetryConfig::standard()
        .with_max_attempts(2)
        .with_initial_backoff(Duration::from_secs(3))
        .with_use_static_exponential_base(true);
    let config = sdk_config(&server.address, 2, 1).to_builder().retry_config(slow).build();
    let watch = Watch::new(requests);
    let session = Session::new(account("111122223333"), &caller(), "eu-west-1".parse().unwrap(), config, watch);
    let start = Instant::now();
    let throttled = tokio::spawn({
        let session = session.clone();
        async move { call(&session).await.map(|()| start.elapsed()) }
    });
    while server.requests().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    call(&session).await.unwrap();
    let other = start.elapsed();
    let throttled = throttled.await.unwrap().unwrap();
    assert!(other < Duration::from_secs(2) && throttled >= Duration::from_secs(3), "{other:?} {throttled:?}");
}

/// Under the SDK's older retry behaviour this takes 20 seconds.
#[tokio::test]
async fn one_throttled_call_costs_seconds_and_not_minutes() {
    let server = Server::start(|request| match request.number {
        1 => refusal(400, "Throttling", "Rate exceeded"),
        _ => identity("111122223333", "aws"),
    })
    .await;
    let config = sdk_config(&server.address, 1, 1).to_builder().retry_config(config::retries(None, |_| None)).build();
    let watch = Watch::new(Requests::default());
    let session = Session::new(account("111122223333"), &caller(), "eu-west-1".parse().unwrap(), config, watch);
    let start = Instant::now();
    call(&session).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
}

/// Sessions of a caller in 111122223333, with a server that says `role` to `AssumeRole`.
async fn sessions(args: AwsArgs, role: impl Fn(usize) -> Reply + Send + Sync + 'static) -> (Sessions, Server) {
    let assumptions = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::start(move |request| {
        if request.text.contains("Action=AssumeRole") {
            role(assumptions.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1)
        } else {
            identity("111122223333", "aws-us-gov")
        }
    })
    .await;
    let config = sdk_config(&server.address, 2, 4);
    (Sessions::with_config(choice(&args), config).await.unwrap(), server)
}

fn with_role() -> AwsArgs {
    AwsArgs { role: Some("ops/audit".into()), external_id: Some("ext-1".into()), ..AwsArgs::default() }
}

fn in_one_hour() -> jiff::Timestamp {
    clock::now() + jiff::SignedDuration::from_hours(1)
}

#[tokio::test]
async fn each_account_is_entered_once_with_the_role_of_its_partition() {
    let (sessions, server) = sessions(with_role(), |_| assumed("ASIATEST", in_one_hour())).await;
    assert_eq!((sessions.caller().as_str(), sessions.partition()), ("111122223333", "aws-us-gov"));
    let other = account("444455556666");
    let entered = join_all((0..5).map(|_| sessions.account(&other))).await;
    let session = entered[0].clone().unwrap();
    assert_eq!((session.account(), session.partition()), (&other, "aws-us-gov"));
    call(&session).await.unwrap();
    call(&sessions.account(&account("111122223333")).await.unwrap()).await.unwrap();

    let requests = server.requests();
    let assumed: Vec<&String> = requests.iter().filter(|request| request.contains("Action=AssumeRole")).collect();
    assert_eq!(assumed.len(), 1);
    assert!(
        assumed[0].contains("RoleArn=arn%3Aaws-us-gov%3Aiam%3A%3A444455556666%3Arole%2Fops%2Faudit"),
        "{}",
        assumed[0]
    );
    assert!(assumed[0].contains("ExternalId=ext-1"), "{}", assumed[0]);
    assert!(assumed[0].contains("RoleSessionName=sluice-test"), "{}", assumed[0]);
    assert_eq!(requests.iter().filter(|request| request.contains("Credential=ASIATEST/")).count(), 1);
    assert_eq!(requests.iter().filter(|request| request.contains("Credential=AKIATEST/")).count(), 3);
    let counted = sessions.requests();
    assert_eq!((counted["sts:AssumeRole"], counted[OPERATION]), (1, 3));
    for text in [format!("{sessions:?}"), format!("{session:?}")] {
        assert!(!text.contains(SECRET), "{text}");
    }
}

#[tokio::test]
async fn a_denied_role_is_one_error_for_its_account() {
    let denial = "User: jane is not authorized to perform: sts:AssumeRole";
    let (sessions, server) = sessions(with_role(), move |_| refusal(403, "AccessDenied", denial)).await;
    let other = account("444455556666");
    let errors = join_all((0..4).map(|_| sessions.account(&other))).await;
    for error in errors {
        let error = error.unwrap_err();
        assert!(error.is_denied());
        assert_eq!(
            error.to_string(),
            format!(
                "sts:AssumeRole failed: AccessDenied: cannot assume the role \
                 arn:aws-us-gov:iam::444455556666:role/ops/audit in account 444455556666: {denial} (request r-1)"
            )
        );
    }
    assert_eq!(server.requests().iter().filter(|request| request.contains("Action=AssumeRole")).count(), 1);
    // The caller's own account is none of this error's business.
    assert!(sessions.account(sessions.caller()).await.is_ok());
}

#[tokio::test]
async fn credentials_are_renewed_before_they_end() {
    let soon = clock::now() + jiff::SignedDuration::from_secs(60);
    let (sessions, server) = sessions(with_role(), move |number| match number {
        1 => assumed("ASIAFIRST", soon),
        2 => assumed("ASIASECOND", in_one_hour()),
        _ => unreachable!(),
    })
    .await;
    let session = sessions.account(&account("444455556666")).await.unwrap();
    for _ in 0..3 {
        call(&session).await.unwrap();
    }
    let signed = |key: &str| {
        let key = format!("Credential={key}/");
        server.requests().iter().filter(|request| request.contains(&key)).count()
    };
    assert_eq!((signed("ASIAFIRST"), signed("ASIASECOND")), (1, 2));
}

#[tokio::test]
async fn a_role_that_is_lost_meanwhile_is_named() {
    let soon = clock::now() + jiff::SignedDuration::from_secs(60);
    let (sessions, _server) = sessions(with_role(), move |number| match number {
        1 => assumed("ASIAFIRST", soon),
        _ => refusal(403, "AccessDenied", "gone"),
    })
    .await;
    let session = sessions.account(&account("444455556666")).await.unwrap();
    call(&session).await.unwrap();
    let error = call(&session).await.unwrap_err();
    assert!(error.is_denied() && !error.outcome_unknown(), "{error:?}");
    assert!(
        error.message.contains("cannot assume the role arn:aws-us-gov:iam::444455556666:role/ops/audit"),
        "{error}"
    );
}

#[tokio::test]
async fn without_a_role_another_account_says_give_role() {
    let (sessions, server) = sessions(AwsArgs::default(), |_| unreachable!()).await;
    let error = sessions.account(&account("444455556666")).await.unwrap_err();
    assert!(error.message.contains("give --role"), "{error}");
    let args = AwsArgs { role: Some("arn:aws:iam::777788889999:role/x".into()), ..AwsArgs::default() };
    let (sessions, _) = self::sessions(args, |_| unreachable!()).await;
    let error = sessions.account(&account("444455556666")).await.unwrap_err();
    assert!(error.message.contains("{account}"), "{error}");
    assert_eq!(server.requests().len(), 1);
}

/// Organizations' answer to a request: the organization, or a page of its accounts.
fn organizations(request: &str) -> Option<Reply> {
    let body = if request.contains("AWSOrganizationsV20161128.DescribeOrganization") {
        r#"{"Organization":{"Id":"o-acme","Arn":"arn:aws:organizations::111122223333:organization/o-acme",
            "FeatureSet":"ALL","MasterAccountId":"111122223333"}}"#
    } else if !request.contains("AWSOrganizationsV20161128.ListAccounts") {
        return None;
    } else if request.contains("NextToken") {
        r#"{"Accounts":[{"Id":"777788889999","State":"ACTIVE"},{"Id":"888899990000","State":"CLOSED"},
            {"Id":"999900001111","State":"PENDING_CLOSURE"},{"Id":"000011112222","State":"PENDING_ACTIVATION"}]}"#
    } else {
        r#"{"Accounts":[{"Id":"111122223333","Status":"ACTIVE"},{"Id":"444455556666","Status":"SUSPENDED"},
            {"Id":"555566667777","State":"SUSPENDED","Status":"ACTIVE"}],"NextToken":"t"}"#
    };
    Some(Reply::Answer(200, body.into()))
}

async fn start(args: &AwsArgs, server: &Server) -> Sessions {
    Sessions::with_config(choice(args), sdk_config(&server.address, 1, 4)).await.unwrap()
}

#[tokio::test]
async fn the_organization_is_all_pages_asked_for_once() {
    let server = Server::start(|it| organizations(&it.text).unwrap_or_else(|| identity("111122223333", "aws"))).await;
    let sessions = start(&AwsArgs { org: true, ..AwsArgs::default() }, &server).await;
    let accounts = sessions.accounts().await.unwrap();
    let accounts: Vec<&str> = accounts.iter().map(AccountId::as_str).collect();
    assert_eq!(accounts, ["111122223333", "777788889999", "999900001111"], "without those that nobody can enter");

    let record = sessions.organization().await.unwrap();
    assert_eq!(
        (record.account.as_str(), record.region.as_str(), record.id.as_str()),
        ("111122223333", "global", "o-acme")
    );
    assert_eq!(record.arn.to_string(), "arn:aws:organizations::111122223333:organization/o-acme");
    let members: Vec<_> =
        record.config.accounts.iter().map(|it| (it.id.as_str(), it.state.as_deref().unwrap())).collect();
    assert_eq!(
        members,
        [
            ("000011112222", "PENDING_ACTIVATION"),
            ("111122223333", "ACTIVE"),
            ("444455556666", "SUSPENDED"),
            ("555566667777", "SUSPENDED"),
            ("777788889999", "ACTIVE"),
            ("888899990000", "CLOSED"),
            ("999900001111", "PENDING_CLOSURE"),
        ],
        "who cannot be entered belongs to it all the same"
    );
    assert_eq!(sessions.requests()["organizations:DescribeOrganization"], 1);
    assert_eq!(sessions.requests()["organizations:ListAccounts"], 2);
}

#[tokio::test]
async fn the_organization_is_read_with_the_role_that_may() {
    for (caller, assumed_roles) in [("444455556666", 1), ("111122223333", 0)] {
        let server = Server::start(move |request| {
            if request.text.contains("Action=AssumeRole") {
                return assumed("ASIAORG", in_one_hour());
            }
            organizations(&request.text).unwrap_or_else(|| identity(caller, "aws"))
        })
        .await;
        let role = "arn:aws:iam::111122223333:role/org-read";
        let args = AwsArgs { org: true, org_role: Some(role.into()), ..AwsArgs::default() };
        let sessions = start(&args, &server).await;
        let (accounts, organization) = tokio::join!(sessions.accounts(), sessions.organization());
        assert_eq!((accounts.unwrap().len(), organization.unwrap().config.accounts.len()), (3, 7));
        let requests = server.requests();
        let count = |text: &str| requests.iter().filter(|request| request.contains(text)).count();
        assert_eq!(count("Action=AssumeRole"), assumed_roles, "called from {caller}");
        assert_eq!(count("RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Forg-read"), assumed_roles);
        assert_eq!(count("Credential=ASIAORG/"), 3 * assumed_roles, "nothing but the organization is read with it");
    }
}

#[tokio::test]
async fn an_organization_that_cannot_be_read_is_an_error() {
    const DENIED: &str = r#"{"__type":"AccessDeniedException","Message":"no"}"#;
    const NONE: &str = r#"{"__type":"AWSOrganizationsNotInUseException","Message":"not a member"}"#;
    const ODD: &str = r#"{"Organization":{"Id":"o-acme","Arn":"o-acme"}}"#;
    for (call, status, body, code) in [
        ("DescribeOrganization", 400, DENIED, "AccessDeniedException"),
        ("ListAccounts", 400, DENIED, "AccessDeniedException"),
        ("DescribeOrganization", 400, NONE, NO_ORGANIZATION),
        ("DescribeOrganization", 200, ODD, "BadResponse"),
        ("DescribeOrganization", 200, "{}", "BadResponse"),
        ("ListAccounts", 200, r#"{"Accounts":[{"Id":"acme"}]}"#, "BadResponse"),
    ] {
        let server = Server::start(move |request| {
            if request.text.contains(&format!("AWSOrganizationsV20161128.{call}")) {
                return Reply::Answer(status, body.into());
            }
            organizations(&request.text).unwrap_or_else(|| identity("111122223333", "aws"))
        })
        .await;
        let sessions = start(&AwsArgs { org: true, ..AwsArgs::default() }, &server).await;
        for _ in 0..2 {
            let error = sessions.accounts().await.unwrap_err();
            assert_eq!((error.operation.as_str(), error.code()), (format!("organizations:{call}").as_str(), code));
        }
        let asked = format!("organizations:{call}");
        assert_eq!(sessions.requests()[&asked], 1, "{asked} {code}: it is not asked for again");
    }
}

#[test]
fn times_are_the_same_times() {
    use aws_smithy_types::DateTime;
    for (secs, nanos, says) in [
        (0, 0, "1970-01-01T00:00:00Z"),
        (1_700_000_000, 500_000_000, "2023-11-14T22:13:20.5Z"),
        (-1, 500_000_000, "1969-12-31T23:59:59.5Z"),
        (i64::MAX, 0, "9999-12-30T22:00:00.999999999Z"),
    ] {
        assert_eq!(super::timestamp(&DateTime::from_secs_and_nanos(secs, nanos)).to_string(), says);
    }
}
