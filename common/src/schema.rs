//! JSON Schemas of the records, made from the types that read and write them. `schemas/` holds them; a test fails when
//! they drift.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

use crate::record::{Alert, Delivery, Finding, LapsedException, Outcome, Resource, Scope, Task, Token, Unsettled};
use crate::reference::Reference;
use crate::resource::{Config, ResourceType};

/// Every schema, with the name of its file in `schemas/`.
pub fn all() -> Vec<(String, Schema)> {
    let resources = ResourceType::ALL.iter().map(|kind| with_config!(*kind, C => resource::<C>()));
    let others = [
        of::<Reference>("reference"),
        of::<Scope>("scope"),
        of::<Finding>("finding"),
        of::<Task>("task"),
        of::<Outcome>("outcome"),
        of::<Unsettled>("unsettled"),
        of::<LapsedException>("exception"),
        of::<Token>("token"),
        of::<Alert>("alert"),
        of::<Delivery>("delivery"),
    ];
    resources.chain(others).collect()
}

fn of<T: JsonSchema>(name: &str) -> (String, Schema) {
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
    (format!("{name}.schema.json"), schema)
}

fn resource<C: Config + JsonSchema>() -> (String, Schema) {
    of::<Resource<C>>(&format!("resource.{}", C::TYPE))
}
