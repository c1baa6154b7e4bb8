create schema if not exists {{ step.schema | ident }}
