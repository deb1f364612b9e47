//! Which types have to be boxed where, so that no type holds itself by value.
//!
//! Analysis on the schema as a graph: an edge wherever a type holds another by value (an array does not).
//! In each circle of the graph one kind of edge is boxed throughout, the kind that shows least in programs, so that a
//! type looks the same wherever it is used.

use crate::schema::{AlternateId, ObjectId, Schema, Type};

/// The boxed edges.
pub struct Boxing {
    /// Component of each node: objects first, then alternates.
    component: Vec<usize>,
    /// For each component, which kinds of edge are boxed.
    boxed: Vec<Vec<Kind>>,
    objects: usize,
}

/// The meaning of an edge, in the order of preference for boxing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Alternative,
    OptionalMember,
    Branch,
    Member,
}

const PREFERENCE: [Kind; 4] = [Kind::Alternative, Kind::OptionalMember, Kind::Branch, Kind::Member];

impl Boxing {
    /// Analyses a schema.
    pub fn of(schema: &Schema) -> Self {
        let edges = edges(schema);
        let component = components(&edges);
        let mut boxed = vec![Vec::new(); edges.len()];
        for kind in PREFERENCE {
            // Each round looks at what is left of the graph, so a kind is boxed only where a circle is left to break.
            let rest = cut(&edges, &component, &boxed);
            let remaining = components(&rest);
            for (node, targets) in rest.iter().enumerate() {
                let circular = targets.iter().any(|&(of, to)| of == kind && remaining[to] == remaining[node]);
                let kinds = &mut boxed[component[node]];
                if circular && !kinds.contains(&kind) {
                    kinds.push(kind);
                }
            }
        }
        Self { component, boxed, objects: schema.objects.len() }
    }

    /// Returns whether the member of an object is boxed.
    pub fn member(&self, owner: ObjectId, ty: &Type, optional: bool) -> bool {
        self.edge(owner.0, ty, if optional { Kind::OptionalMember } else { Kind::Member })
    }

    /// Returns whether the branch of a union is boxed.
    pub fn branch(&self, owner: ObjectId, to: ObjectId) -> bool {
        self.edge(owner.0, &Type::Object(to), Kind::Branch)
    }

    /// Returns whether the alternative of an alternate is boxed.
    pub fn alternative(&self, owner: AlternateId, ty: &Type) -> bool {
        self.edge(self.objects + owner.0, ty, Kind::Alternative)
    }

    fn edge(&self, from: usize, ty: &Type, kind: Kind) -> bool {
        node(ty, self.objects).is_some_and(|to| {
            self.component[from] == self.component[to] && self.boxed[self.component[from]].contains(&kind)
        })
    }
}

/// A struct or union that holds itself by mandatory members of its own or of its base. QAPI does not refuse it, but no
/// finite value has that type, and a blank one could not be made.
pub fn endless(schema: &Schema) -> Option<ObjectId> {
    let mut edges = Vec::with_capacity(schema.objects.len());
    for object in &schema.objects {
        let mut targets = Vec::new();
        for member in &schema.all_members(object) {
            match member.ty {
                Type::Object(id) if !member.optional => targets.push((Kind::Member, id.0)),
                _ => {}
            }
        }
        edges.push(targets);
    }
    let component = components(&edges);
    for (node, targets) in edges.iter().enumerate() {
        if targets.iter().any(|(_, to)| component[*to] == component[node]) {
            return Some(ObjectId(node));
        }
    }
    None
}

/// The graph without the edges that are boxed.
fn cut(edges: &[Vec<(Kind, usize)>], component: &[usize], boxed: &[Vec<Kind>]) -> Vec<Vec<(Kind, usize)>> {
    let mut rest = Vec::with_capacity(edges.len());
    for (from, targets) in edges.iter().enumerate() {
        let mut kept = Vec::new();
        for &(kind, to) in targets {
            if component[from] != component[to] || !boxed[component[from]].contains(&kind) {
                kept.push((kind, to));
            }
        }
        rest.push(kept);
    }
    rest
}

fn node(ty: &Type, objects: usize) -> Option<usize> {
    match ty {
        Type::Object(id) => Some(id.0),
        Type::Alternate(id) => Some(objects + id.0),
        Type::Builtin(_) | Type::Enum(_) | Type::Array(_) => None,
    }
}

fn edges(schema: &Schema) -> Vec<Vec<(Kind, usize)>> {
    let objects = schema.objects.len();
    let mut edges = Vec::with_capacity(objects + schema.alternates.len());
    for index in 0..objects {
        let mut targets = Vec::new();
        // The members of a base are emitted with the object's own.
        for member in &schema.all_members(&schema.objects[index]) {
            let kind = if member.optional { Kind::OptionalMember } else { Kind::Member };
            if let Some(to) = node(&member.ty, objects) {
                targets.push((kind, to));
            }
        }
        for branch in schema.objects[index].all_branches() {
            if let Some(to) = branch.object {
                targets.push((Kind::Branch, to.0));
            }
        }
        edges.push(targets);
    }
    for alternate in &schema.alternates {
        let mut targets = Vec::new();
        for each in &alternate.alternatives {
            if let Some(to) = node(&each.ty, objects) {
                targets.push((Kind::Alternative, to));
            }
        }
        edges.push(targets);
    }
    edges
}

/// The strongly connected component of each node (Tarjan's algorithm, without recursion). A node that holds itself is
/// told apart by its edge, whose ends are in one component.
fn components(edges: &[Vec<(Kind, usize)>]) -> Vec<usize> {
    const UNSEEN: usize = usize::MAX;
    let mut order = vec![UNSEEN; edges.len()];
    let mut low = vec![0; edges.len()];
    let mut component = vec![UNSEEN; edges.len()];
    let mut open = Vec::new();
    let mut visited = 0;
    for root in 0..edges.len() {
        let mut path = if order[root] == UNSEEN { vec![(root, 0)] } else { Vec::new() };
        while let Some((node, next)) = path.pop() {
            if next == 0 {
                order[node] = visited;
                low[node] = visited;
                visited += 1;
                open.push(node);
            }
            if let Some(&(_, to)) = edges[node].get(next) {
                path.push((node, next + 1));
                if order[to] == UNSEEN {
                    path.push((to, 0));
                } else if component[to] == UNSEEN {
                    low[node] = low[node].min(order[to]);
                }
                continue;
            }
            if low[node] == order[node] {
                while let Some(member) = open.pop() {
                    component[member] = node;
                    if member == node {
                        break;
                    }
                }
            }
            if let Some(&(parent, _)) = path.last() {
                low[parent] = low[parent].min(low[node]);
            }
        }
    }
    component
}
