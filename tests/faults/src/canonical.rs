//! The same names in every run, for what gets another id or another time each time.

use std::collections::HashMap;

use serde_json::{Map, Value};

const UUID: &str = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
const TIMES: [&str; 2] = ["0000-00-00T00:00:00.000Z", "0000-00-00T00:00:00Z"];

/// The UUIDs in a text, each one once, as they come.
pub fn uuids(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let next = match start_of(rest, UUID) {
            Some(id) => {
                if !found.iter().any(|other| other == id) {
                    found.push(id.to_owned());
                }
                id.len()
            }
            None => rest.chars().next().map_or(1, char::len_utf8),
        };
        rest = rest.get(next..).unwrap_or_default();
    }
    found
}

/// Names for ids: numbers, in the order in which they are met.
pub struct Names {
    ids: HashMap<String, usize>,
    fixed: Vec<(String, &'static str)>,
}

impl Names {
    /// These ids are the first.
    pub fn new(ids: &[String], fixed: &[(&str, &'static str)]) -> Self {
        let ids = ids.iter().enumerate().map(|(number, id)| (id.clone(), number + 1)).collect();
        Self { ids, fixed: fixed.iter().map(|(text, name)| ((*text).to_owned(), *name)).collect() }
    }

    /// The value with names in place of ids and times, and the fields in the order of their names.
    pub fn sorted(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(values) => values.iter().map(|value| self.sorted(value)).collect(),
            Value::Object(fields) => {
                let mut fields: Vec<_> =
                    fields.iter().map(|(name, value)| (self.text(name), self.sorted(value))).collect();
                fields.sort_by(|one, other| one.0.cmp(&other.0));
                Value::Object(fields.into_iter().collect::<Map<_, _>>())
            }
            other => other.clone(),
        }
    }

    fn text(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for (found, name) in &self.fixed {
            text = text.replace(found, name);
        }
        let (mut named, mut rest) = (String::new(), text.as_str());
        while let Some(first) = rest.chars().next() {
            let time = TIMES.iter().find_map(|time| start_of(rest, time));
            let skipped = if let Some(id) = start_of(rest, UUID) {
                let next = self.ids.len() + 1;
                let number = self.ids.entry(id.to_owned()).or_insert(next);
                named.push('#');
                named.push_str(&number.to_string());
                id.len()
            } else if let Some(time) = time {
                named.push_str("TIME");
                time.len()
            } else {
                named.push(first);
                first.len_utf8()
            };
            rest = rest.get(skipped..).unwrap_or_default();
        }
        named
    }
}

/// The start of a text, if it has this form: `x` is a hexadecimal digit, `0` a decimal one.
fn start_of<'a>(text: &'a str, form: &str) -> Option<&'a str> {
    let start = text.get(..form.len())?;
    let fits = start.bytes().zip(form.bytes()).all(|(byte, wanted)| match wanted {
        b'x' => byte.is_ascii_hexdigit(),
        b'0' => byte.is_ascii_digit(),
        other => byte == other,
    });
    fits.then_some(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ids_and_times_get_the_same_names_in_every_run() {
        let id = "4ffdc191-f32c-404a-8520-c403b7408afa";
        let value = json!({ "b": [format!("x/{id}"), "2026-01-02T03:04:05.678Z"], "a": 1 });
        assert_eq!(uuids(&value.to_string()), [id]);
        let named = Names::new(&[], &[]).sorted(&value);
        assert_eq!(named.to_string(), r#"{"a":1,"b":["x/#1","TIME"]}"#);
    }
}
