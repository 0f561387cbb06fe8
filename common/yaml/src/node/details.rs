//! What few nodes have: an anchor, comments, a share mark.

use super::{Content, Node, Tag, Text};

/// Kept apart from the node, so that nodes stay small.
#[derive(Clone, Default)]
pub(super) struct Details {
    head_comment: Text,
    line_comment: Text,
    foot_comment: Text,
    anchor: Text,
    /// Text of a tag that is none of YAML's own.
    pub(super) tag: Text,
    share: u32,
}

impl Node {
    /// Name of the anchor; empty if there is none.
    pub fn anchor(&self) -> &str {
        self.details.as_ref().map_or("", |details| &details.anchor)
    }

    /// Sets the anchor; the empty text removes it.
    pub fn set_anchor(&mut self, anchor: impl Into<Text>) {
        let anchor = anchor.into();
        if self.details.is_some() || !anchor.is_empty() {
            self.details_mut().anchor = anchor;
        }
    }

    /// Comment lines above the node, with their `#`; empty if there are none or they were not asked for.
    pub fn head_comment(&self) -> &str {
        self.details.as_ref().map_or("", |details| &details.head_comment)
    }

    /// Comment at the end of the node's line.
    pub fn line_comment(&self) -> &str {
        self.details.as_ref().map_or("", |details| &details.line_comment)
    }

    /// Comment lines below the node, apart from what follows.
    pub fn foot_comment(&self) -> &str {
        self.details.as_ref().map_or("", |details| &details.foot_comment)
    }

    /// Sets the comment above the node.
    pub fn set_head_comment(&mut self, comment: impl Into<Text>) {
        let comment = comment.into();
        if self.details.is_some() || !comment.is_empty() {
            self.details_mut().head_comment = comment;
        }
    }

    /// Sets the comment at the end of the node's line.
    pub fn set_line_comment(&mut self, comment: impl Into<Text>) {
        let comment = comment.into();
        if self.details.is_some() || !comment.is_empty() {
            self.details_mut().line_comment = comment;
        }
    }

    /// Sets the comment below the node.
    pub fn set_foot_comment(&mut self, comment: impl Into<Text>) {
        let comment = comment.into();
        if self.details.is_some() || !comment.is_empty() {
            self.details_mut().foot_comment = comment;
        }
    }

    /// Mark of the group of nodes that are one and the same node upstream; 0 for a node of its own.
    ///
    /// kustomize's label and annotation transformers put one node into several maps. Here each map has its own copy, and
    /// whoever changes one of them gives the others the same content with [`Node::spread_share`].
    pub fn share(&self) -> u32 {
        self.details.as_ref().map_or(0, |details| details.share)
    }

    /// Puts the node into a group; 0 takes it out.
    pub fn set_share(&mut self, share: u32) {
        if share != 0 || self.details.is_some() {
            self.details_mut().share = share;
        }
    }

    /// Gives every scalar below this node (and itself) with the share mark of `model` the text, tag and style of `model`.
    pub fn spread_share(&mut self, model: &Self) {
        if self.share() == model.share() && self.share() != 0 {
            self.content = model.content.clone();
        }
        match &mut self.content {
            Content::Scalar(..) | Content::Alias(..) => {}
            Content::Sequence(_, items) => items.iter_mut().for_each(|item| item.spread_share(model)),
            Content::Mapping(_, entries) => {
                entries.iter_mut().for_each(|entry| entry.value.spread_share(model));
            }
        }
    }

    /// Removes anchors, comments and share mark of this node alone.
    pub fn clear_details(&mut self) {
        match (self.head().tag, &mut self.details) {
            (Tag::Other, Some(details)) => {
                **details = Details { tag: std::mem::take(&mut details.tag), ..Details::default() };
            }
            (_, details) => *details = None,
        }
    }
}
