//! Microsoft's description of Graph (CSDL, OData's metadata in XML), as far as the witness needs it.

use std::collections::HashMap;

/// Types, enums and operations by name, without namespaces.
#[derive(Debug, Default)]
pub(super) struct Metadata {
    types: HashMap<String, Type>,
    enums: HashMap<String, Vec<String>>,
    operations: Vec<Operation>,
}

#[derive(Debug, Default)]
struct Type {
    base: Option<String>,
    properties: HashMap<String, String>,
    navigations: HashMap<String, String>,
}

/// An action or a function.
#[derive(Debug)]
pub(super) struct Operation {
    name: String,
    /// What it is bound to, as `user` or `Collection(user)`.
    bound_to: String,
    pub(super) parameters: HashMap<String, String>,
    pub(super) returns: Option<String>,
}

/// A name without its namespace, within a collection too.
pub(super) fn plain(name: &str) -> String {
    match name.strip_prefix("Collection(").and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) => format!("Collection({})", plain(inner)),
        None => name.trim_start_matches('#').trim_start_matches("microsoft.").trim_start_matches("graph.").to_owned(),
    }
}

/// The type of the elements, where it is a collection.
pub(super) fn elements(name: &str) -> Option<&str> {
    name.strip_prefix("Collection(").and_then(|rest| rest.strip_suffix(')'))
}

impl Metadata {
    /// Reads the metadata; what is wrong with it in words.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let document = roxmltree::Document::parse(text).map_err(|error| error.to_string())?;
        let mut metadata = Self::default();
        for node in document.descendants() {
            let name = node.attribute("Name").map(str::to_owned).unwrap_or_default();
            let children = |tag: &'static str| node.children().filter(move |child| child.has_tag_name_local(tag));
            let named = |tag| {
                children(tag)
                    .filter_map(|child| Some((child.attribute("Name")?.to_owned(), plain(child.attribute("Type")?))))
            };
            match node.tag_name().name() {
                "EntityType" | "ComplexType" => {
                    let found = Type {
                        base: node.attribute("BaseType").map(plain),
                        properties: named("Property").collect(),
                        navigations: named("NavigationProperty").collect(),
                    };
                    metadata.types.insert(name, found);
                }
                "EnumType" => {
                    let members = children("Member").filter_map(|member| member.attribute("Name")).map(str::to_owned);
                    metadata.enums.insert(name, members.collect());
                }
                "Action" | "Function" => {
                    let mut parameters: HashMap<String, String> = named("Parameter").collect();
                    let returns = children("ReturnType").next().and_then(|child| child.attribute("Type")).map(plain);
                    let bound_to = parameters.remove("bindingParameter").unwrap_or_default();
                    metadata.operations.push(Operation { name, bound_to, parameters, returns });
                }
                _ => {}
            }
        }
        if metadata.types.contains_key("user") { Ok(metadata) } else { Err("it does not describe Graph".to_owned()) }
    }

    pub(super) fn has_type(&self, name: &str) -> bool {
        self.types.contains_key(name)
    }

    pub(super) fn enum_members(&self, name: &str) -> Option<&[String]> {
        self.enums.get(name).map(Vec::as_slice)
    }

    /// A type and those that it derives from.
    fn line<'a>(&'a self, name: &str) -> impl Iterator<Item = (&'a str, &'a Type)> + use<'a> {
        let first = self.types.get_key_value(name);
        std::iter::successors(first, |(_, one)| self.types.get_key_value(one.base.as_deref()?))
            .map(|(name, one)| (name.as_str(), one))
    }

    /// Whether values of one type may stand where another is declared.
    pub(super) fn derives(&self, name: &str, from: &str) -> bool {
        self.line(name).any(|(one, _)| one == from)
    }

    pub(super) fn property(&self, of: &str, name: &str) -> Option<&str> {
        self.line(of).find_map(|(_, one)| one.properties.get(name)).map(String::as_str)
    }

    pub(super) fn navigation(&self, of: &str, name: &str) -> Option<&str> {
        self.line(of).find_map(|(_, one)| one.navigations.get(name)).map(String::as_str)
    }

    /// The action or function of a name that is bound to a type, or to a collection of it.
    pub(super) fn operation(&self, of: &str, collection: bool, name: &str) -> Option<&Operation> {
        // The nearest type goes first: users have a delta of their own, and so has every object.
        self.line(of).find_map(|(one, _)| {
            let bound_to = if collection { format!("Collection({one})") } else { one.to_owned() };
            self.operations.iter().find(|operation| operation.name == name && operation.bound_to == bound_to)
        })
    }
}

/// Tags by their local name: the namespace is that of the whole file.
trait LocalTag {
    fn has_tag_name_local(&self, name: &str) -> bool;
}

impl LocalTag for roxmltree::Node<'_, '_> {
    fn has_tag_name_local(&self, name: &str) -> bool {
        self.is_element() && self.tag_name().name() == name
    }
}
