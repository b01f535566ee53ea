//! Rows as HTML.

use std::fmt::Write as _;

use super::{
    row::{Row, Span},
    scan::{Cursor, Limits, OpenSection, Step},
    style::Style,
};
use crate::text::escape_into;

/// What a viewer does to show more of a log, in order.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum Op {
    /// Adds a row to the innermost section that is open.
    Row {
        /// Its HTML.
        html: String,
    },
    /// Opens a section.
    Open {
        /// HTML of its head.
        html: String,
        /// It is folded at first.
        collapsed: bool,
    },
    /// Closes the innermost section.
    Close {
        /// How long it took, in seconds.
        seconds: u64,
    },
}

/// A part of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What shows it.
    pub ops: Vec<Op>,
    /// Where it begins.
    pub from: Cursor,
    /// Where it ends.
    pub to: Cursor,
}

/// Shows the rows of the bytes, which begin at the cursor.
pub fn render(from: Cursor, bytes: &[u8], limits: Limits) -> Part {
    let (mut to, mut ops) = (from.clone(), Vec::new());
    // A section whose head, which is its first row, is still to come.
    let mut headless: Option<OpenSection> = None;
    to.read(bytes, limits, |step| match step {
        Step::Row {
            line,
            continued,
            row,
        } => ops.push(match headless.take() {
            Some(section) => open(&section, &head_row(line, continued, row, &section)),
            None => Op::Row {
                html: row_html("div", line, continued, &row),
            },
        }),
        Step::Open(section) => {
            let before = headless.replace(section);
            ops.extend(before.map(|section| open(&section, &head(&section))));
        }
        Step::Close(seconds) => {
            let before = headless.take();
            ops.extend(before.map(|section| open(&section, &head(&section))));
            ops.push(Op::Close { seconds });
        }
    });
    Part { ops, from, to }
}

fn open(section: &OpenSection, html: &str) -> Op {
    Op::Open {
        html: html.to_owned(),
        collapsed: section.collapsed,
    }
}

/// The head of a section without a row of its own.
fn head(section: &OpenSection) -> String {
    let mut html = String::from("<span class=\"r\"><span class=\"n\"></span><span class=\"x\">");
    escape_into(&mut html, &section.title);
    html.push_str("</span></span>");
    html
}

fn head_row(line: u64, continued: bool, mut row: Row, section: &OpenSection) -> String {
    if row.spans.is_empty() {
        row.spans.push(Span {
            style: Style::default(),
            text: section.title.clone(),
        });
    }
    row_html("span", line, continued, &row)
}

fn row_html(element: &str, line: u64, continued: bool, row: &Row) -> String {
    // Writing to a text can't fail.
    let mut html = String::with_capacity(128);
    let _ = if continued {
        write!(
            html,
            "<{element} class=\"r\"><span class=\"n\"></span><span class=\"x\">"
        )
    } else {
        // The head of a section folds it when it is clicked: nothing within it may do something else.
        let number = if element == "span" {
            format!("<span class=\"n\">{line}</span>")
        } else {
            format!("<a class=\"n\" href=\"?line={line}#L{line}\">{line}</a>")
        };
        write!(
            html,
            "<{element} class=\"r\" id=\"L{line}\">{number}<span class=\"x\">"
        )
    };
    if let Some(time) = &row.time {
        let short = time.get(11..19).unwrap_or(time);
        let _ = write!(
            html,
            "<time class=\"t\" datetime=\"{time}\" title=\"{time}\">{short}</time> "
        );
    }
    for span in &row.spans {
        span_html(&mut html, span);
    }
    let _ = writeln!(html, "</span></{element}>");
    html
}

fn span_html(html: &mut String, span: &Span) {
    if span.style.is_plain() {
        escape_into(html, &span.text);
        return;
    }
    let _ = write!(html, "<span class=\"{}\">", span.style.classes());
    escape_into(html, &span.text);
    html.push_str("</span>");
}

/// The rows alone, without their sections.
pub fn rows(part: &Part) -> String {
    let rows = part.ops.iter().map(|op| match op {
        Op::Row { html } | Op::Open { html, .. } => html.as_str(),
        Op::Close { .. } => "",
    });
    rows.collect()
}

/// A section that is being put together.
struct Open {
    head: String,
    collapsed: bool,
    body: String,
}

/// A part as one piece of HTML. Sections that began before it are open from its beginning; those that are open at its end say so.
pub fn html(part: &Part) -> String {
    let mut whole = String::new();
    let mut open: Vec<Open> = Vec::new();
    for section in &part.from.sections {
        open.push(Open {
            head: head(section) + "<span class=\"note\">began earlier</span>",
            collapsed: false,
            body: String::new(),
        });
    }
    for op in &part.ops {
        match op {
            Op::Row { html } => {
                let into = open
                    .last_mut()
                    .map_or(&mut whole, |section| &mut section.body);
                into.push_str(html);
            }
            Op::Open { html, collapsed } => open.push(Open {
                head: html.clone(),
                collapsed: *collapsed,
                body: String::new(),
            }),
            Op::Close { seconds } => {
                let took = format!(
                    "<span class=\"took\">{}</span>",
                    crate::text::seconds(*seconds)
                );
                close(&mut whole, &mut open, &took, "");
            }
        }
    }
    while !open.is_empty() {
        close(&mut whole, &mut open, "", " data-open");
    }
    whole
}

/// Puts the innermost section into the one around it.
fn close(whole: &mut String, open: &mut Vec<Open>, took: &str, attribute: &str) {
    let Some(section) = open.pop() else { return };
    let into = open.last_mut().map_or(whole, |section| &mut section.body);
    let unfolded = if section.collapsed { "" } else { " open" };
    // Writing to a text can't fail.
    let _ = write!(
        into,
        "<details class=\"s\"{unfolded}{attribute}><summary>{}{took}</summary>{}</details>",
        section.head, section.body
    );
}
