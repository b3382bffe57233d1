package crashfs

import "github.com/emend/emend/internal/vfs"

// Node is what stands at a path, without inode number and times, so that two
// trees can be compared.
type Node struct {
	Kind     vfs.Kind
	Mode     uint32
	Data     string // of a file
	Target   string // of a link
	UID, GID uint32
	Xattrs   map[string]string // nil if there are none
	Nlink    uint64
}

// Tree returns everything beneath root by its path from there ("a/b"). It is
// empty where root is not a directory.
func (p *FS) Tree(root string) map[string]Node {
	p.mu.RLock()
	defer p.mu.RUnlock()
	tree := map[string]Node{}
	if n, err := p.walk(root, true); err == nil {
		n.list("", tree)
	}
	return tree
}

func (n *inode) list(prefix string, tree map[string]Node) {
	for name, child := range n.names {
		tree[prefix+name] = child.node()
		child.list(prefix+name+"/", tree)
	}
}

func (n *inode) node() Node {
	i := n.info()
	node := Node{Kind: n.kind, Mode: i.Mode, Target: n.target, UID: i.UID, GID: i.GID, Nlink: i.Nlink}
	if n.kind == vfs.Regular {
		node.Data = string(n.data.bytes())
	}
	for _, x := range n.meta.xattrs {
		if node.Xattrs == nil {
			node.Xattrs = map[string]string{}
		}
		node.Xattrs[x.Name] = string(x.Value)
	}
	return node
}
