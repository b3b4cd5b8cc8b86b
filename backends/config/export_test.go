package config

// What the tests cannot reach from outside.
var Edits = edits

const MaxEdits = maxEdits

func FileProblem(err error) string { return string(fileProblem(err)) }
