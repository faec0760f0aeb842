//! Instances of the tests' own, for what the emulator is too slow for: they are described and stopped as EC2 documents it,
//! and each knows how often it was stopped.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tests::http::Response;
use tests::{Call, Emulator, Proxy, Verdict};

/// Instances that come into being when somebody asks for them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fleet(Arc<Mutex<BTreeMap<String, usize>>>);

impl Fleet {
    pub(crate) fn id(number: usize) -> String {
        format!("i-{number:017x}")
    }

    /// A proxy that serves them. `first` hears of each call before it is answered.
    pub(crate) fn proxy(&self, first: impl Fn(&Call) -> Verdict + Send + Sync + 'static) -> Proxy {
        let fleet = self.clone();
        Proxy::new(Emulator::shared()).rule("*", first).rule("ec2:*", move |call| fleet.serve(call))
    }

    /// How often each was stopped.
    pub(crate) fn stops(&self) -> BTreeMap<String, usize> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn serve(&self, call: &Call) -> Verdict {
        let form = call.request.text();
        let pairs: Vec<(&str, &str)> = form.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let ids = pairs.iter().filter(|(key, value)| {
            value.starts_with("i-") && (key.starts_with("InstanceId.") || key.contains(".Value."))
        });
        let ids: Vec<&str> = ids.map(|(_, value)| *value).collect();
        let mut fleet = self.lock();
        let mut items = String::new();
        let body = match call.operation.as_str() {
            "DescribeInstances" => {
                for id in ids {
                    let stopped = *fleet.entry(id.to_owned()).or_default() > 0;
                    let (code, state) = if stopped { (80, "stopped") } else { (16, "running") };
                    write!(
                        items,
                        "<item><reservationId>r-1</reservationId><instancesSet><item><instanceId>{id}</instanceId>\
                         <instanceState><code>{code}</code><name>{state}</name></instanceState>\
                         <instanceType>t3.micro</instanceType><rootDeviceType>ebs</rootDeviceType><tagSet/></item></instancesSet></item>"
                    )
                    .unwrap();
                }
                format!("<reservationSet>{items}</reservationSet>")
            }
            "StopInstances" => {
                for id in ids {
                    *fleet.entry(id.to_owned()).or_default() += 1;
                    write!(
                        items,
                        "<item><instanceId>{id}</instanceId><currentState><code>64</code><name>stopping</name>\
                         </currentState><previousState><code>16</code><name>running</name></previousState></item>"
                    )
                    .unwrap();
                }
                format!("<instancesSet>{items}</instancesSet>")
            }
            _ => return Verdict::Pass,
        };
        let operation = &call.operation;
        let body = format!(
            "<{operation}Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>{body}\
             </{operation}Response>"
        );
        Verdict::Answer(Response::new(200, body).with("Content-Type", "text/xml"))
    }
}
