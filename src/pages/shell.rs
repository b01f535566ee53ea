//! What stands around every page.

/// What stands around every page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shell {
    /// Of the document, without the product's name.
    pub title: String,
    /// Who looks; `None` before a login.
    pub person: Option<Person>,
    /// Where in the navigation.
    pub nav: Nav,
    /// Events after which the page's live parts are fetched again.
    pub events: Option<String>,
    /// Where to fetch them; `None`: the page itself.
    pub refresh: Option<String>,
}

/// Who looks at a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// Name of the access token.
    pub name: String,
    /// May cancel, retry, play and stop.
    pub may_change: bool,
}

/// A place of the navigation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Nav {
    /// None of them.
    #[default]
    None,
    /// Pipelines of all projects.
    Pipelines,
    /// Projects.
    Projects,
}

impl Shell {
    /// For a person, at a place.
    pub fn new(title: impl Into<String>, person: &Person, nav: Nav) -> Self {
        Self {
            title: title.into(),
            person: Some(person.clone()),
            nav,
            ..Self::default()
        }
    }

    /// Live, by these events.
    #[must_use]
    pub fn live(self, events: impl Into<String>) -> Self {
        Self {
            events: Some(events.into()),
            ..self
        }
    }

    pub(crate) fn may_change(&self) -> bool {
        self.person.as_ref().is_some_and(|person| person.may_change)
    }
}
