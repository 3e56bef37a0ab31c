//! Writes down what each request of the API may hold, as the field rules of the protos say it: the one list of bounds,
//! from which requests are counted before any message is made of them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::error::Error;
use std::fmt::Write as _;

use protox::prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor, Value};

const API: &str = "utterson.v1";
const RULES: &str = "buf.validate.field";

/// The source of the table of shapes.
///
/// Fails where a list of a request has no `max_items`: a list without a bound must not enter the API.
pub fn shapes(pool: &DescriptorPool) -> Result<String, Box<dyn Error>> {
    let mut found = Found::default();
    for service in pool.services().filter(|service| service.package_name() == API) {
        for method in service.methods() {
            found.place(&method.input());
        }
    }
    let mut source = String::from("static SHAPES: &[Shape] = &[\n");
    let mut next = 0;
    // Each message may bring others in.
    while let Some(message) = found.messages.get(next).cloned() {
        writeln!(source, "Shape {{ name: \"{}\", fields: &[", message.full_name())?;
        for field in message.fields() {
            let (tag, name) = (field.number(), field.name());
            let (items_max, holds) = (items_max(pool, &message, &field)?, holds(&mut found, &field));
            writeln!(source, "Field {{ tag: {tag}, name: \"{name}\", items_max: {items_max}, holds: {holds} }},")?;
        }
        writeln!(source, "] }},")?;
        next += 1;
    }
    source.push_str("];\n");
    Ok(source)
}

/// The messages that requests may hold, each once.
#[derive(Default)]
struct Found {
    messages: Vec<MessageDescriptor>,
    places: HashMap<String, usize>,
}

impl Found {
    fn place(&mut self, message: &MessageDescriptor) -> usize {
        if let Some(place) = self.places.get(message.full_name()) {
            return *place;
        }
        let place = self.messages.len();
        self.places.insert(message.full_name().to_owned(), place);
        self.messages.push(message.clone());
        place
    }
}

fn holds(found: &mut Found, field: &FieldDescriptor) -> String {
    match field.kind() {
        Kind::Message(message) => format!("Holds::Message({})", found.place(&message)),
        Kind::String | Kind::Bytes => String::from("Holds::Bytes"),
        Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => String::from("Holds::Numbers(8)"),
        Kind::Float | Kind::Fixed32 | Kind::Sfixed32 => String::from("Holds::Numbers(4)"),
        Kind::Int32
        | Kind::Int64
        | Kind::Uint32
        | Kind::Uint64
        | Kind::Sint32
        | Kind::Sint64
        | Kind::Bool
        | Kind::Enum(_) => String::from("Holds::Numbers(1)"),
    }
}

/// The most items of a list; a field that is none, and the lists of a Struct, have no bound of their own.
fn items_max(
    pool: &DescriptorPool,
    message: &MessageDescriptor,
    field: &FieldDescriptor,
) -> Result<String, Box<dyn Error>> {
    if !field.is_list() || message.package_name() != API {
        return Ok(String::from("usize::MAX"));
    }
    let rules = pool.get_extension_by_name(RULES).ok_or("the protos of the field rules are missing")?;
    let options = field.options();
    let rules = options.get_extension(&rules);
    match within(&rules, "repeated").and_then(|repeated| number(&repeated, "max_items")) {
        Some(max) => Ok(grouped(max)),
        None => Err(format!("{}: a list of a request needs a rule repeated.max_items", field.full_name()).into()),
    }
}

/// A number as source has it: its digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let (first, others) = digits.split_at(digits.len() % 3);
    let mut groups: Vec<&str> =
        others.as_bytes().chunks(3).filter_map(|group| std::str::from_utf8(group).ok()).collect();
    if !first.is_empty() {
        groups.insert(0, first);
    }
    groups.join("_")
}

fn within(rules: &Value, name: &str) -> Option<Value> {
    let rules = rules.as_message()?;
    rules.has_field_by_name(name).then(|| rules.get_field_by_name(name))?.map(Cow::into_owned)
}

fn number(rules: &Value, name: &str) -> Option<u64> {
    within(rules, name)?.as_u64()
}
