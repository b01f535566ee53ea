//! Nested references: each variable is expanded once, after those it refers to.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use super::{
    ExpansionError, MAX_BYTES, MAX_DEPTH,
    reference::{Piece, Syntax, may_refer, pieces},
};
use crate::hash::HashMap;

/// What is known of a variable before anything is expanded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    pub(super) value: &'a str,
    pub(super) raw: bool,
    pub(super) file: bool,
    pub(super) secret: bool,
}

/// Where variables are looked up.
pub(super) trait Lookup {
    fn find(&self, name: &str) -> Option<Source<'_>>;
}

/// What becomes of references that can't, or must not, be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// For conditions and names: undefined ones are empty, escapes stay.
    Evaluate,
    /// For the variables of a leased job: undefined, file and raw ones are left to the runner, and so are escapes.
    Lease,
    /// On the runner: undefined ones are empty, `$$` is a dollar.
    Runner,
}

/// An expanded value.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) value: String,
    /// Whether a secret's value went into it.
    pub(super) secret: bool,
}

/// Expands the variables of one job, each once.
#[derive(Debug)]
pub(super) struct Resolver {
    mode: Mode,
    done: RefCell<HashMap<String, Rc<Resolved>>>,
    bytes: Cell<usize>,
}

impl Resolver {
    pub(super) fn new(mode: Mode) -> Self {
        Self {
            mode,
            done: RefCell::default(),
            bytes: Cell::new(0),
        }
    }

    /// The expanded value of a variable, `None` if it isn't defined.
    pub(super) fn variable(
        &self,
        name: &str,
        lookup: &dyn Lookup,
    ) -> Result<Option<Rc<Resolved>>, ExpansionError> {
        self.nested(name, lookup, &mut Vec::new())
    }

    fn nested(
        &self,
        name: &str,
        lookup: &dyn Lookup,
        path: &mut Vec<String>,
    ) -> Result<Option<Rc<Resolved>>, ExpansionError> {
        if let Some(done) = self.done.borrow().get(name) {
            return Ok(Some(Rc::clone(done)));
        }
        let Some(source) = lookup.find(name) else {
            return Ok(None);
        };
        if let Some(start) = path.iter().position(|passed| passed == name) {
            let mut cycle = path.split_off(start);
            cycle.push(name.to_owned());
            return Err(ExpansionError::Cycle(cycle));
        }
        if path.len() == MAX_DEPTH {
            return Err(ExpansionError::TooDeep(name.to_owned()));
        }
        path.push(name.to_owned());
        let resolved = Rc::new(self.expand(name, source, lookup, path)?);
        path.pop();
        self.done
            .borrow_mut()
            .insert(name.to_owned(), Rc::clone(&resolved));
        Ok(Some(resolved))
    }

    fn expand(
        &self,
        name: &str,
        source: Source<'_>,
        lookup: &dyn Lookup,
        path: &mut Vec<String>,
    ) -> Result<Resolved, ExpansionError> {
        let mut resolved = Resolved {
            value: String::new(),
            secret: source.secret,
        };
        if source.raw || !may_refer(source.value) {
            source.value.clone_into(&mut resolved.value);
            self.spend(name, source.value.len())?;
            return Ok(resolved);
        }
        let syntax = if self.mode == Mode::Runner {
            Syntax::Runner
        } else {
            Syntax::Server
        };
        for piece in pieces(source.value, syntax) {
            let before = resolved.value.len();
            match piece {
                Piece::Text(text) => resolved.value.push_str(text),
                Piece::Escape(text) => {
                    resolved
                        .value
                        .push_str(if self.mode == Mode::Runner { "$" } else { text });
                }
                Piece::Variable { name, text } => {
                    self.reference(name, text, lookup, path, &mut resolved)?;
                }
            }
            self.spend(name, resolved.value.len() - before)?;
        }
        Ok(resolved)
    }

    fn reference(
        &self,
        name: &str,
        text: &str,
        lookup: &dyn Lookup,
        path: &mut Vec<String>,
        into: &mut Resolved,
    ) -> Result<(), ExpansionError> {
        // A variable that names itself, as in `PATH: $PATH:/x`, sees itself as undefined.
        let itself = path.last().is_some_and(|own| own == name);
        let deferred = self.mode == Mode::Lease
            && (itself
                || lookup
                    .find(name)
                    .is_none_or(|source| source.file || source.raw));
        if deferred {
            into.value.push_str(text);
        } else if !itself && let Some(inner) = self.nested(name, lookup, path)? {
            into.value.push_str(&inner.value);
            into.secret |= inner.secret;
        }
        Ok(())
    }

    fn spend(&self, name: &str, bytes: usize) -> Result<(), ExpansionError> {
        self.bytes.set(self.bytes.get() + bytes);
        if self.bytes.get() > MAX_BYTES {
            return Err(ExpansionError::TooLarge(name.to_owned()));
        }
        Ok(())
    }
}
