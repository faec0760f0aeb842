//! The organization, of which there is one: AWS knows its id.

use common::resource::ResourceType::Organization;

use crate::events::Question;
use crate::events::place::{Change, Events, asked_for_all, calls};

const ORGANIZATION: &[Change] = &[asked_for_all(Organization, || Question::Organization)];

pub(super) const EVENTS: &[Events] = &[
    calls(
        "organizations",
        ORGANIZATION,
        &[
            "CreateOrganization",
            "EnableAllFeatures",
            "AcceptHandshake",
            "CreateAccount",
            "CreateGovCloudAccount",
            "CloseAccount",
            "RemoveAccountFromOrganization",
            "LeaveOrganization",
        ],
    ),
    // The record has the accounts' names.
    calls("account", ORGANIZATION, &["PutAccountName"]),
];
