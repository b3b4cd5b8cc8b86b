package health

var Bounded = bounded
