//! What the settings say of the sources, and the report, which is one for all accounts.

use std::sync::Arc;

use aws_sdk_costexplorer::types::Granularity;
use common::aws::{AwsError, Session, Sessions};
use common::operation::{CE_GET_COST_AND_USAGE, Operation, S3_GET_OBJECT};
use common::resource::Cost;
use common::settings::{CostExplorer, Spending};
use tokio::sync::OnceCell;

use super::explorer;
use super::report::{self, Report};
use super::{Answers, Span, charges};

/// Where it is asked what accounts spend: CloudWatch alone by default.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    settings: Spending,
    /// Who reads the report.
    sessions: Option<Sessions>,
    /// A month's report is read once a sweep, by whoever wants it first.
    report: OnceCell<Result<Arc<Report>, AwsError>>,
}

impl Sources {
    pub(crate) fn new(settings: Spending, sessions: Sessions) -> Self {
        Self { settings, sessions: Some(sessions), report: OnceCell::new() }
    }

    /// Whether these settings come to a call of [`Spend`](common::resource::Spend)'s.
    pub(crate) fn need(settings: &Spending, operation: Operation) -> bool {
        match operation {
            CE_GET_COST_AND_USAGE => settings.cost_explorer != CostExplorer::Off,
            S3_GET_OBJECT => settings.report.is_some(),
            _ => true,
        }
    }

    /// Asks all of them at once.
    pub(super) async fn ask(&self, session: &Session, span: Span) -> Answers {
        let granularity = self.granularity();
        let explorer = async {
            match &granularity {
                Some(granularity) => Some(explorer::costs(session, granularity, span).await),
                None => None,
            }
        };
        // All calls of three services in one future take tens of kilobytes, and as many accounts as there are wait at once.
        let (charges, costs, report) = tokio::join!(
            Box::pin(charges::charges(session, span.since, span.now)),
            Box::pin(explorer),
            Box::pin(self.of_report(session, span)),
        );
        Answers { charges, granularity, costs, report }
    }

    fn granularity(&self) -> Option<Granularity> {
        match self.settings.cost_explorer {
            CostExplorer::Off => None,
            CostExplorer::Daily => Some(Granularity::Daily),
            CostExplorer::Hourly => Some(Granularity::Hourly),
        }
    }

    async fn of_report(&self, session: &Session, span: Span) -> Option<Result<Vec<Cost>, AwsError>> {
        let (place, sessions) = (self.settings.report.as_ref()?, self.sessions.as_ref()?);
        let read = || async {
            let caller = sessions.account(sessions.caller()).await?;
            let cost = self.settings.report_cost.as_deref().unwrap_or(report::UNBLENDED);
            report::read(&caller, place, cost, span).await.map(Arc::new)
        };
        let report = self.report.get_or_init(read).await;
        Some(report.as_ref().map_err(Clone::clone).and_then(|report| report.of(session.account().as_str())))
    }
}
