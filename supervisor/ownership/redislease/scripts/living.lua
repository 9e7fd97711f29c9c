-- Returns all nodes.
return since(0)
