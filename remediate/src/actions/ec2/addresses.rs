//! Elastic IPs, which come and go one by one.

use common::action::{Action, Address};
use common::record::Resource;
use common::resource::{ElasticIp, Instance};

use super::{InstancePlan, Step};
use crate::actions::refusal::needs;
use crate::actions::{Planned, Refusal};

pub(super) fn disassociate(resource: &Resource<Instance>, address: &Address) -> InstancePlan {
    needs(resource, &["Addresses"])?;
    let (gone, kept): (Vec<ElasticIp>, Vec<ElasticIp>) =
        resource.config.addresses.iter().cloned().partition(|it| it.allocation_id == address.allocation_id);
    let Some(gone) = gone.into_iter().next() else { return Ok(Planned::nothing(resource)) };
    let Some(association_id) = gone.association_id else {
        let why = format!("AWS does not say by which association it has {}", address.allocation_id);
        return Err(Refusal::Impossible(why));
    };
    let undo = Action::Ec2AssociateAddress(Address {
        allocation_id: gone.allocation_id,
        public_ip: gone.public_ip,
        network_interface_id: gone.network_interface_id,
        private_ip_address: gone.private_ip_address,
    });
    Ok(Planned::one(Step::DisassociateAddress { association_id }, Some(undo), with_addresses(resource, kept)))
}

/// Without leave to take the address from whoever has got it in the meantime: AWS refuses that, and says so.
pub(super) fn associate(resource: &Resource<Instance>, address: &Address) -> InstancePlan {
    needs(resource, &["Addresses"])?;
    let id = &address.allocation_id;
    let Some(interface) = &address.network_interface_id else {
        return Err(Refusal::Impossible(format!("the action does not name the NetworkInterfaceId for {id}")));
    };
    if let Some(present) = resource.config.addresses.iter().find(|it| it.allocation_id == *id) {
        let same_interface = present.network_interface_id.as_ref() == Some(interface);
        let same_private =
            address.private_ip_address.is_none() || present.private_ip_address == address.private_ip_address;
        if same_interface && same_private {
            return Ok(Planned::nothing(resource));
        }
        return Err(Refusal::Changed(format!("{id} is associated with another address of the instance")));
    }
    if !resource.config.network_interfaces.iter().any(|it| it.network_interface_id == *interface) {
        return Err(Refusal::Changed(format!("{interface} is no network interface of the instance any more")));
    }
    let step = Step::AssociateAddress {
        allocation_id: id.clone(),
        network_interface_id: interface.clone(),
        private_ip_address: address.private_ip_address.clone(),
        allow_reassociation: false,
    };
    let undo = Address { network_interface_id: None, private_ip_address: None, ..address.clone() };
    let back = ElasticIp {
        allocation_id: id.clone(),
        public_ip: address.public_ip.clone(),
        network_interface_id: Some(interface.clone()),
        private_ip_address: address.private_ip_address.clone(),
        ..ElasticIp::default()
    };
    let after = with_addresses(resource, [resource.config.addresses.clone(), vec![back]].concat());
    Ok(Planned::one(step, Some(Action::Ec2DisassociateAddress(undo)), after))
}

fn with_addresses(resource: &Resource<Instance>, mut addresses: Vec<ElasticIp>) -> Instance {
    addresses.sort_unstable();
    Instance { addresses, ..resource.config.clone() }
}

#[cfg(test)]
pub(super) mod tests {
    use common::resource::NetworkInterface;
    use serde_json::json;

    use super::super::tests::instance;
    use super::*;
    use crate::actions::tests::{after, needs as refuses_without, planned, the_call};

    pub(in super::super) fn elastic(allocation: &str, interface: Option<&str>) -> Address {
        Address {
            allocation_id: allocation.into(),
            public_ip: None,
            network_interface_id: interface.map(str::to_owned),
            private_ip_address: None,
        }
    }

    /// An instance with two interfaces, and an Elastic IP on the first.
    pub(in super::super) fn with_elastic_ip() -> Resource<Instance> {
        let mut instance = instance("running");
        let interface = |id: &str| NetworkInterface { network_interface_id: id.into(), ..NetworkInterface::default() };
        instance.config.network_interfaces = vec![interface("eni-1"), interface("eni-2")];
        instance.config.addresses = vec![ElasticIp {
            allocation_id: "eipalloc-1".into(),
            association_id: Some("eipassoc-1".into()),
            public_ip: Some("203.0.113.7".into()),
            network_interface_id: Some("eni-1".into()),
            private_ip_address: Some("10.0.0.7".into()),
        }];
        instance
    }

    #[test]
    fn an_elastic_ip_goes_by_its_association_and_comes_back_to_its_place() {
        let instance = with_elastic_ip();
        let disassociate = Action::Ec2DisassociateAddress(elastic("eipalloc-1", None));
        let (operation, parameters) = the_call(&disassociate, &instance);
        assert_eq!(
            (operation.as_str(), parameters),
            ("ec2:DisassociateAddress", json!({"AssociationId": "eipassoc-1"}))
        );
        let plan = planned(&disassociate, &instance).unwrap();
        let (operation, parameters) = the_call(&plan.undo.clone().unwrap(), &after::<Instance>(&plan));
        assert_eq!(
            (operation.as_str(), parameters),
            (
                "ec2:AssociateAddress",
                json!({
                    "AllocationId": "eipalloc-1", "NetworkInterfaceId": "eni-1", "PrivateIpAddress": "10.0.0.7",
                    "AllowReassociation": false,
                })
            )
        );
    }

    #[test]
    fn an_elastic_ip_is_moved_from_nowhere_and_to_nowhere_else() {
        let mut bare = with_elastic_ip();
        bare.config.addresses.clear();
        let disassociate = Action::Ec2DisassociateAddress(elastic("eipalloc-1", None));
        assert!(planned(&disassociate, &bare).unwrap().steps.is_empty());

        let associate = |interface| Action::Ec2AssociateAddress(elastic("eipalloc-1", interface));
        assert_eq!(planned(&associate(Some("eni-2")), &bare).unwrap().steps.len(), 1);
        assert!(planned(&associate(Some("eni-1")), &with_elastic_ip()).unwrap().steps.is_empty());
        for (interface, instance, why) in [
            ("eni-2", with_elastic_ip(), "another address of the instance"),
            ("eni-9", bare.clone(), "no network interface of the instance any more"),
        ] {
            let refused = planned(&associate(Some(interface)), &instance);
            assert!(matches!(&refused, Err(Refusal::Changed(said)) if said.contains(why)), "{refused:?}");
        }
        assert!(matches!(planned(&associate(None), &bare), Err(Refusal::Impossible(_))), "to which interface?");
        for action in [disassociate, associate(Some("eni-1"))] {
            assert!(refuses_without(&action, bare.clone(), "Addresses"), "{action:?}");
        }

        let mut unknown = with_elastic_ip();
        unknown.config.addresses[0].association_id = None;
        let refused = planned(&Action::Ec2DisassociateAddress(elastic("eipalloc-1", None)), &unknown);
        assert!(matches!(refused, Err(Refusal::Impossible(why)) if why.contains("eipalloc-1")));
    }
}
