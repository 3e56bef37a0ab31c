//! What was measured, as a table and as JSON.

use std::fmt::Write;

use serde::Serialize;

/// One figure.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// What it is.
    pub name: String,
    /// The size at which it was taken.
    pub at: u64,
    /// How much.
    pub value: f64,
    /// Of what.
    pub unit: &'static str,
    /// The goal that it belongs to, and what it must not exceed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goal: Option<Goal>,
}

/// What a figure must not exceed.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Goal {
    /// Its name in the list of goals.
    pub name: &'static str,
    /// The most it may be.
    pub at_most: f64,
}

/// All figures of a run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Figures(Vec<Figure>);

impl Figures {
    /// Notes a figure.
    pub fn note(&mut self, name: impl Into<String>, at: u64, (value, unit): (f64, &'static str)) {
        self.0.push(Figure { name: name.into(), at, value, unit, goal: None });
    }

    /// Notes a figure that has a goal, or has one at another size.
    pub fn judge(&mut self, name: impl Into<String>, at: u64, of: (f64, &'static str), goal: impl Into<Option<Goal>>) {
        self.note(name, at, of);
        if let Some(figure) = self.0.last_mut() {
            figure.goal = goal.into();
        }
    }

    /// The figures as one line of JSON.
    pub fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }

    /// The figures for the eye.
    pub fn table(&self) -> String {
        let mut table = String::new();
        for Figure { name, at, value, unit, goal } in &self.0 {
            let told = goal.map_or_else(String::new, |Goal { name, at_most }| {
                format!("{name} ≤ {at_most}: {}", if *value <= at_most { "met" } else { "MISSED" })
            });
            let _ = writeln!(table, "{name:<56} {at:>10} {value:>12.2} {unit:<22} {told}");
        }
        table
    }
}
