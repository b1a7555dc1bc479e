//! Access control lists: who beside the owner may do what.

use crate::{auth::Caller, error::Invalid, object_key::OrgId};
use serde::{Deserialize, Serialize};

/// How many entries the lists of a file may have together.
const MAX_ENTRIES: usize = 100;
/// The longest id in an entry, in bytes.
const MAX_ID_BYTES: usize = 128;

/// What somebody may do with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Get and download it. Whoever may edit or delete a file may view it too.
    View,
    /// Change it and add versions.
    Edit,
    /// Delete it.
    Delete,
    /// Make, see and revoke its public links, which outlive a grant: no list gives this right.
    Share,
}

/// Organisations and users by right, as `org:<id>` and `user:<id>`: at most 100 entries, with ids of at most 128 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Lists")]
#[allow(missing_docs)] // The names say it.
pub struct Acl {
    pub view: Vec<String>,
    pub edit: Vec<String>,
    pub delete: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lists {
    #[serde(default)]
    view: Vec<String>,
    #[serde(default)]
    edit: Vec<String>,
    #[serde(default)]
    delete: Vec<String>,
}

impl Acl {
    /// The owner's own organisation may do everything.
    #[must_use]
    pub fn of(org: &OrgId) -> Self {
        let owner = vec![format!("org:{org}")];
        Self { view: owner.clone(), edit: owner.clone(), delete: owner }
    }

    /// Whether the lists give `caller` this right.
    #[must_use]
    pub fn permits(&self, caller: &Caller, right: Right) -> bool {
        let names_caller = |entry: &String| match entry.split_once(':') {
            Some(("org", id)) => id == caller.org.as_str(),
            Some(("user", id)) => caller.user.as_deref() == Some(id),
            _ => false,
        };
        let on = |list: &[String]| list.iter().any(names_caller);
        match right {
            Right::View => on(&self.view) || on(&self.edit) || on(&self.delete),
            Right::Edit => on(&self.edit),
            Right::Delete => on(&self.delete),
            Right::Share => false,
        }
    }
}

impl TryFrom<Lists> for Acl {
    type Error = Invalid;

    fn try_from(lists: Lists) -> Result<Self, Invalid> {
        let names_somebody = |entry: &String| {
            let name = entry.strip_prefix("org:").or_else(|| entry.strip_prefix("user:"));
            name.is_some_and(|name| (1..=MAX_ID_BYTES).contains(&name.len()))
        };
        let Lists { view, edit, delete } = lists;
        if view.len() + edit.len() + delete.len() > MAX_ENTRIES {
            return Err(Invalid::new(format!("the lists may have {MAX_ENTRIES} entries together")));
        }
        if view.iter().chain(&edit).chain(&delete).all(names_somebody) {
            Ok(Self { view, edit, delete })
        } else {
            Err(Invalid::new(format!("entries must be org:<id> or user:<id>, with ids of 1 to {MAX_ID_BYTES} bytes")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::caller;

    #[test]
    fn a_right_is_given_to_those_on_its_list_and_viewing_to_those_on_any() {
        let lists = |view: &str, edit: &str, delete: &str| {
            let list = |entry: &str| vec![entry.to_owned()];
            Acl { view: list(view), edit: list(edit), delete: list(delete) }
        };
        let rights =
            |acl: &Acl| [Right::View, Right::Edit, Right::Delete].map(|right| acl.permits(&caller("456"), right));
        assert_eq!(rights(&lists("org:456", "org:1", "org:1")), [true, false, false]);
        assert_eq!(rights(&lists("org:1", "org:456", "org:1")), [true, true, false]);
        assert_eq!(rights(&lists("org:1", "org:1", "user:ann")), [true, false, true]);
        for nobody in ["org:4567", "user:456", "org:ann", "user:bob", "456", "ann", "org:"] {
            assert_eq!(rights(&lists(nobody, nobody, nobody)), [false; 3], "{nobody}");
        }
    }

    #[test]
    fn a_caller_without_a_user_is_no_listed_user() {
        let nobody = Caller { user: None, ..caller("456") };
        let acl = Acl { view: vec!["user:".into(), "user:ann".into()], edit: vec![], delete: vec![] };
        assert!(!acl.permits(&nobody, Right::View));
    }

    #[test]
    fn the_lists_have_100_entries_together_with_ids_of_128_bytes() {
        let lists = |view: usize, edit: usize, delete: usize, id: &str| {
            let list = |count: usize| vec![format!("user:{id}"); count];
            Acl::try_from(Lists { view: list(view), edit: list(edit), delete: list(delete) })
        };
        let longest = "x".repeat(128);
        assert!(lists(100, 0, 0, &longest).is_ok());
        assert!(lists(34, 33, 33, &longest).is_ok());
        for (view, edit, delete, id) in
            [(101, 0, 0, "a"), (0, 0, 101, "a"), (34, 34, 33, "a"), (1, 0, 0, &"ü".repeat(65))]
        {
            assert!(lists(view, edit, delete, id).is_err(), "{view} {edit} {delete} {id}");
        }
    }
}
