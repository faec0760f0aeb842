//! What happened to a token, in a word, and how bad that is.

use common::record::Severity;

/// What happened to a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Trigger {
    /// A call was made with its key, or by its user.
    Used,
    /// A call was made with other credentials that somebody got with its key: a session's, or a key of another user's.
    UsedViaSession,
    /// Somebody signed in to the console as its user, or tried.
    ConsoleLogin,
    /// Somebody else asked about its user or key.
    Looked,
    /// Somebody else changed its user or key, or tried.
    Touched,
    /// AWS found its key in public, and put its user in quarantine.
    Quarantined,
    /// AWS found its key in public, and says so.
    Exposed,
    /// IAM says that its key was used, and no event tells of that.
    UsedUnlogged,
}

impl Trigger {
    /// The word in alerts.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::UsedViaSession => "used_via_session",
            Self::ConsoleLogin => "console_login",
            Self::Looked | Self::Touched => "touched",
            Self::Quarantined => "quarantined",
            Self::Exposed => "exposed",
            Self::UsedUnlogged => "used_unlogged",
        }
    }

    /// How bad it is. A use is a use, whether AWS let it happen or not: nobody has a reason to make one, and whoever does has the
    /// secret. That a user is asked about is what inventories do, too.
    pub(crate) const fn severity(self) -> Severity {
        match self {
            Self::Used | Self::UsedViaSession | Self::ConsoleLogin | Self::UsedUnlogged => Severity::Critical,
            Self::Touched | Self::Quarantined | Self::Exposed => Severity::High,
            Self::Looked => Severity::Medium,
        }
    }

    /// What a sentence that begins with the decoy goes on with.
    pub(crate) const fn phrase(self) -> &'static str {
        match self {
            Self::Used => "was used",
            Self::UsedViaSession => "was used through other credentials",
            Self::ConsoleLogin => "was used to sign in to the console",
            Self::Looked => "was looked at by somebody else",
            Self::Touched => "was touched by somebody else",
            Self::Quarantined => "was put in quarantine: its key is public",
            Self::Exposed => "is exposed: AWS found its key in public",
            Self::UsedUnlogged => "was used, and CloudTrail has no event of it",
        }
    }

    /// Whether somebody has its secret, so that its key is what to stop.
    pub(crate) const fn tells_of_the_secret(self) -> bool {
        !matches!(self, Self::Looked | Self::Touched)
    }

    /// Whether its own credentials were used, so that what they are used for counts.
    pub(crate) const fn is_use(self) -> bool {
        matches!(self, Self::Used | Self::UsedViaSession | Self::ConsoleLogin)
    }
}
