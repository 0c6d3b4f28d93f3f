// Stands in for optional native addons: the packages that ask for one catch this and do without.
throw new Error('built without native addons')
