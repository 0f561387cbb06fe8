//! Collections in brackets and braces.

use super::{Entry, Nodes, Parser, Shape, State, event};
use crate::error::Error;
use crate::event::{Event, EventData};
use crate::node::Style;

#[expect(clippy::wildcard_enum_match_arm, reason = "a grammar: all other tokens go one way")]
impl<'a> Parser<'a> {
    pub(super) fn flow_sequence(&mut self, entry: Entry) -> Result<Event<'a>, Error> {
        self.enter(entry)?;
        if entry == Entry::Later && self.shape()? != Shape::FlowSequenceEnd {
            if self.shape()? != Shape::FlowEntry {
                return Err(self.collection_problem("did not find expected ',' or ']'")?);
            }
            self.take()?;
        }
        match self.shape()? {
            Shape::Key => {
                let token = self.take()?;
                self.state = State::FlowPairKey;
                let data = EventData::MappingStart { properties: None, style: Style::Flow };
                Ok(event(data, token.start, token.end))
            }
            Shape::FlowSequenceEnd => self.leave(EventData::SequenceEnd),
            _ => self.node_then(Nodes::Flow, State::FlowSequence(Entry::Later)),
        }
    }

    /// The key of a mapping with one entry that stands in a sequence without braces.
    pub(super) fn flow_pair_key(&mut self) -> Result<Event<'a>, Error> {
        match self.shape()? {
            Shape::Value | Shape::FlowEntry | Shape::FlowSequenceEnd => {
                // upstream drops the token here, and then misses it
                let mark = self.take()?.end;
                Ok(self.empty_then(mark, State::FlowPairValue))
            }
            _ => self.node_then(Nodes::Flow, State::FlowPairValue),
        }
    }

    pub(super) fn flow_pair_value(&mut self) -> Result<Event<'a>, Error> {
        let mut mark = self.peek()?.start;
        if self.shape()? == Shape::Value {
            mark = self.take()?.start;
            if !matches!(self.shape()?, Shape::FlowEntry | Shape::FlowSequenceEnd) {
                return self.node_then(Nodes::Flow, State::FlowPairEnd);
            }
        }
        Ok(self.empty_then(mark, State::FlowPairEnd))
    }

    pub(super) fn flow_mapping_key(&mut self, entry: Entry) -> Result<Event<'a>, Error> {
        self.enter(entry)?;
        if entry == Entry::Later && self.shape()? != Shape::FlowMappingEnd {
            if self.shape()? != Shape::FlowEntry {
                return Err(self.collection_problem("did not find expected ',' or '}'")?);
            }
            self.take()?;
        }
        match self.shape()? {
            Shape::Key => {
                self.take()?;
                match self.shape()? {
                    Shape::Value | Shape::FlowEntry | Shape::FlowMappingEnd => {
                        let mark = self.peek()?.start;
                        Ok(self.empty_then(mark, State::FlowMappingValue))
                    }
                    _ => self.node_then(Nodes::Flow, State::FlowMappingValue),
                }
            }
            Shape::FlowMappingEnd => self.leave(EventData::MappingEnd),
            _ => self.node_then(Nodes::Flow, State::FlowMappingNoValue),
        }
    }

    pub(super) fn flow_mapping_value(&mut self) -> Result<Event<'a>, Error> {
        let next = State::FlowMappingKey(Entry::Later);
        if self.shape()? == Shape::Value {
            self.take()?;
            if !matches!(self.shape()?, Shape::FlowEntry | Shape::FlowMappingEnd) {
                return self.node_then(Nodes::Flow, next);
            }
        }
        let mark = self.peek()?.start;
        Ok(self.empty_then(mark, next))
    }
}
