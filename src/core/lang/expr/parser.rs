//! Tokens to a tree. Comparisons bind tightest, then `&&`, then `||`; all are left associative.

use std::{ops::Range, sync::Arc};

use super::{
    ExpressionError, Pattern,
    lexer::{Lexeme, Operator, Token},
};

/// A node; the token limit bounds its depth.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Variable(String),
    Text(String),
    Pattern(Arc<Pattern>, Range<usize>),
    Null,
    Binary(Operator, Box<Node>, Box<Node>),
}

impl Node {
    pub(super) fn each_variable<'a>(&'a self, visit: &mut dyn FnMut(&'a str)) {
        match self {
            Self::Variable(name) => visit(name),
            Self::Binary(_, left, right) => {
                left.each_variable(visit);
                right.each_variable(visit);
            }
            Self::Text(_) | Self::Pattern(..) | Self::Null => {}
        }
    }

    pub(super) fn each_compared_pattern(&self, visit: &mut dyn FnMut(Range<usize>)) {
        let Self::Binary(operator, left, right) = self else {
            return;
        };
        for side in [left, right] {
            match &**side {
                Self::Pattern(_, range)
                    if matches!(operator, Operator::Equal | Operator::NotEqual) =>
                {
                    visit(range.clone());
                }
                other => other.each_compared_pattern(visit),
            }
        }
    }
}

pub(super) fn parse(text: &str, tokens: &[Token<'_>]) -> Result<Node, ExpressionError> {
    let mut parser = Parser {
        tokens,
        at: 0,
        end: text.len(),
    };
    if tokens.is_empty() {
        return Err(ExpressionError::new(0..text.len(), "expression is empty"));
    }
    let root = parser.binary(0)?;
    match parser.peek() {
        None => Ok(root),
        Some(token) if token.lexeme == Lexeme::Close => Err(ExpressionError::new(
            token.range.clone(),
            "`)` closes nothing",
        )),
        Some(token) => Err(ExpressionError::new(
            token.range.clone(),
            "an operator is missing before this",
        )
        .with_help("operators are == != =~ !~ && ||")),
    }
}

struct Parser<'a, 't> {
    tokens: &'t [Token<'a>],
    at: usize,
    end: usize,
}

impl<'a, 't> Parser<'a, 't> {
    fn peek(&self) -> Option<&'t Token<'a>> {
        self.tokens.get(self.at)
    }

    fn binary(&mut self, least: u8) -> Result<Node, ExpressionError> {
        let mut left = self.operand()?;
        while let Some(Token {
            lexeme: Lexeme::Operator(operator),
            ..
        }) = self.peek()
            && operator.precedence() > least
        {
            self.at += 1;
            let right = self.binary(operator.precedence())?;
            left = Node::Binary(*operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn operand(&mut self) -> Result<Node, ExpressionError> {
        let Some(token) = self.peek() else {
            return Err(ExpressionError::new(
                self.end..self.end,
                "expression ends where a value is missing",
            ));
        };
        self.at += 1;
        match token.lexeme {
            Lexeme::Variable(name) => Ok(Node::Variable(name.to_owned())),
            Lexeme::Text(text) => Ok(Node::Text(text.to_owned())),
            Lexeme::Null => Ok(Node::Null),
            Lexeme::Pattern(text) => Pattern::parse(text)
                .map(|pattern| Node::Pattern(Arc::new(pattern), token.range.clone()))
                .map_err(|error| ExpressionError::new(token.range.clone(), error.to_string())),
            Lexeme::Open => self.group(token),
            Lexeme::Close | Lexeme::Operator(_) => Err(ExpressionError::new(
                token.range.clone(),
                "a value is missing before this",
            )),
        }
    }

    fn group(&mut self, open: &Token<'_>) -> Result<Node, ExpressionError> {
        let inner = self.binary(0)?;
        match self.peek() {
            Some(token) if token.lexeme == Lexeme::Close => {
                self.at += 1;
                Ok(inner)
            }
            Some(token) => Err(ExpressionError::new(
                token.range.clone(),
                "an operator is missing before this",
            )
            .with_help("operators are == != =~ !~ && ||")),
            None => Err(ExpressionError::new(
                open.range.clone(),
                "`(` is never closed",
            )),
        }
    }
}
