//! How a registry is shown who asks: challenges and tokens.

mod challenge;
mod token;

pub(crate) use challenge::Challenge;
pub(crate) use token::{Scope, Token, TokenStore, fetch_token};
