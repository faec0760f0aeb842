//! `spot_request`: a request for a Spot Instance, as `DescribeSpotInstanceRequests` gives it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A request for a Spot Instance. `id` is `sir-...`. Its user data, which often holds secrets, is never in the record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct SpotRequest {
    /// `sir-...`.
    pub spot_instance_request_id: String,
    /// `open` (waits for capacity), `active` (its instance is there), `disabled` (its instance is stopped), or `closed`,
    /// `cancelled`, `failed`, which start nothing any more.
    pub state: Option<String>,
    /// Why it is in that state.
    pub status: Option<SpotStatus>,
    /// `one-time`, or `persistent`: asks for another instance when its own is gone.
    pub r#type: Option<String>,
    /// The instance that it led to.
    pub instance_id: Option<String>,
    /// What becomes of the instance when AWS needs the capacity: `terminate`, `stop` or `hibernate`.
    pub instance_interruption_behavior: Option<String>,
    /// The highest price an hour, in US dollars.
    pub spot_price: Option<String>,
    /// When it was made.
    pub create_time: Option<Timestamp>,
    /// Where its instance is.
    pub launched_availability_zone: Option<String>,
    /// What it asks for.
    pub launch_specification: Option<SpotLaunch>,
}

/// Why a request is in its state:
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/understand-spot-instance-request-status.html>.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct SpotStatus {
    /// `fulfilled`, `capacity-not-available`, ...
    pub code: Option<String>,
}

/// What a request asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct SpotLaunch {
    /// What it is to be started from.
    pub image_id: Option<String>,
    /// Its size.
    pub instance_type: Option<String>,
}

impl SpotRequest {
    /// Whether it would start an instance by itself, and soon: only an `open` one does. That of an `active` one is there
    /// already, and where it is stopped, the request becomes `disabled` and starts nothing
    /// (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-requests.html>).
    pub fn would_launch(&self) -> bool {
        self.state.as_deref() == Some("open")
    }

    /// Whether it is one that asks for another instance when its own is gone.
    pub fn is_persistent(&self) -> bool {
        self.r#type.as_deref() == Some("persistent")
    }
}
